import dataclasses

import numpy as np

from bench.checks.statistics.simulate import cells
from bench.stats.curves import d_of, end_row, nearest_row, peak_between, peak_row


def made(kl, **columns):
    (curve,) = cells(np.random.default_rng(0), [np.zeros(len(kl))], kl=np.asarray(kl, dtype=float))
    return dataclasses.replace(curve, **{name: np.asarray(values, dtype=float) for name, values in columns.items()})


def test_the_peak_is_the_largest_finite_value():
    assert peak_row([0.0, np.nan, 2.0, 2.0]) == 2
    assert peak_row([np.nan]) is None


def test_the_peak_between_rows_is_chosen_on_select_alone():
    curve = made([0, 4, 9, 16], gold_select=[9.0, 1.0, 2.0, 3.0], gold=[0.0, 5.0, 1.0, 1.0])
    assert peak_between(curve, 1, 3) == 2


def test_the_declared_row_is_chosen_by_select_kl_and_only_when_near():
    curve = made([0, 4, 15, 17], kl_select=[0.0, 4.0, 16.0, 19.0])
    assert nearest_row(curve, 16.0) == 2
    assert nearest_row(curve, 40.0) is None


def test_a_curve_that_does_not_start_at_pi_ref_has_no_end():
    assert end_row(made([0, 4, 16]), 16.0) == (2, "")
    end, why = end_row(made([1, 4, 16]), 16.0)
    assert end is None
    assert "not pi_ref" in why


def test_an_estimate_of_kl_just_below_zero_is_at_the_reference():
    assert d_of([-1e-9, 4.0]).tolist() == [0.0, 2.0]

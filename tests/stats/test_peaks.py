"""The set of possible peaks against a hand-made case and by coverage; d*, drop and gap on curves with known ones."""

import dataclasses

import numpy as np
import pytest

from bench.checks.statistics.simulate import D, Noise, best_of_n_form, cells
from bench.stats.bootstrap import prompt_counts, resamples
from bench.stats.estimate import OVER_REPLICATES, Estimate, over
from bench.stats.peaks import (
    drop,
    gap,
    peak_over_replicates,
    peak_range,
    possible_peaks,
    smooth_peak,
)

QUIET = Noise(level=0, shared=0, cell=1e-6, kl=0)


def hump(place=2.5, height=1.0):
    a, b = best_of_n_form(place, height)
    return D * (a - b * D)


def test_clear_losers_leave_the_set_and_ties_stay():
    """Measured at 0, 1, 1 and .95 with errors of .04 in differences: only the first is out; a NaN row is never in."""
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.2, (4, 50))
    values = np.array([0, 1, 1, 0.95])[:, None] + noise - noise.mean(1, keepdims=True)
    values = np.vstack([values, np.full((1, 50), np.nan)])
    assert possible_peaks(values, prompt_counts(50, 2000, rng)).tolist() == [False, True, True, True, False]
    assert possible_peaks(values[[0]], prompt_counts(50, 200, rng)).tolist() == [True]


def test_what_rows_share_makes_the_set_smaller():
    """The same rows with a strong level of each prompt: pairing removes it, so the set does not grow."""
    rng = np.random.default_rng(0)
    values = np.linspace(0, 1, 6)[:, None] + rng.normal(0, 0.2, (6, 60))
    counts = prompt_counts(60, 1000, rng)
    alone, levelled = possible_peaks(values, counts), possible_peaks(values + rng.normal(0, 5, 60), counts)
    assert alone.tolist() == levelled.tolist()
    assert levelled.sum() == 1


@pytest.mark.parametrize("truth", [np.zeros(8), np.array([0, 0.3, 0.5, 0.55, 0.5, 0.3, 0, -0.5])])
def test_the_set_holds_the_truly_best_row_at_its_level(truth):
    """Level rows are the worst case: each is best and must be kept in 95%; 400 runs, three binomial errors below."""
    rng, kept = np.random.default_rng(0), 0
    for _ in range(400):
        values = truth[:, None] + rng.normal(0, 0.4, 40) + rng.normal(0, 0.5, (8, 40))
        kept += possible_peaks(values, prompt_counts(40, 300, rng))[truth.argmax()]
    assert kept / 400 >= 0.95 - 0.033


def test_a_quiet_hump_has_its_peak_where_it_is():
    curves = cells(np.random.default_rng(0), [hump(), hump(2.2), hump(2.8)], noise=QUIET)
    resampled = resamples(curves[:1], 100, np.random.default_rng(1))
    found = smooth_peak(curves[0], resampled)
    assert found.d.point == pytest.approx(2.5, abs=0.05)  # the grid's step is .044
    assert found.gold.point == pytest.approx(1.0, abs=0.01)
    mean = peak_over_replicates(curves)
    assert (mean.point, mean.method) == (pytest.approx(2.5, abs=0.05), OVER_REPLICATES)
    assert peak_range(curves[0], resampled).point == pytest.approx(D[hump().argmax()])


def test_a_rising_curve_has_no_peak_and_says_so():
    (curve,) = cells(np.random.default_rng(0), [0.3 * D], noise=QUIET)
    resampled = resamples([curve], 100, np.random.default_rng(1))
    assert "at its end" in smooth_peak(curve, resampled).d.reason
    assert not peak_over_replicates([curve] * 3).defined


def test_drop_and_gap_by_hand():
    """From the peak row to the last: truth .998 - -.609; the proxy of the simulation is d/2."""
    (curve,) = cells(np.random.default_rng(0), [hump()], noise=QUIET)
    last = len(D) - 1
    assert drop(curve, last).point == pytest.approx(hump().max() - hump()[-1], abs=1e-5)
    exact = dataclasses.replace(curve, proxy_RP=np.repeat(D[:, None] / 2, curve.prompts, 1))
    assert gap(exact, last).point == pytest.approx(D[-1] / 2 - hump()[-1], abs=1e-5)


def test_three_replicates_are_a_t_mean_and_two_are_the_first():
    one = Estimate(1.0, 0.5, 1.5, 0.95, "by hand", 9)
    assert over([one, one]) is one
    made = over([dataclasses.replace(one, point=p) for p in (1.0, 2.0, 3.0)])
    assert (made.point, made.n) == (2.0, 3)

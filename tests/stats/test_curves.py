import numpy as np
import pytest

from bench.stats.curves import Curve, nearest_row, peak_row
from bench.stats.matched import value_at


def curve(kl, gold, *, gold_RP=None, kl_RP=None, select=None, kl_select=None):
    kl, gold = np.asarray(kl, dtype=float), np.asarray(gold, dtype=float)
    empty, tenth = np.empty((len(kl), 0)), np.full(len(kl), 0.1)
    return Curve(
        cell="c",
        row_ids=tuple(f"c@{i}" for i in range(len(kl))),
        kl=kl,
        gold=gold,
        gold_se=tenth,
        proxy=gold,
        kl_se=np.zeros(len(kl)),
        kl_select=kl if kl_select is None else np.asarray(kl_select),
        gold_select=gold if select is None else np.asarray(select),
        gold_RP=empty if gold_RP is None else gold_RP,
        proxy_RP=empty if gold_RP is None else gold_RP,
        kl_RP=empty if kl_RP is None else kl_RP,
    )


def test_a_line_in_d_is_met_exactly():
    kl = np.array([0, 1, 2.8, 3.6, 4.5, 5.5, 9])
    assert value_at(curve(kl, 0.3 + 0.2 * np.sqrt(kl)), 4.0).point == pytest.approx(0.3 + 0.2 * 2.0, abs=1e-12)


@pytest.mark.parametrize("kl", [[0, 1, 2], [0, 5, 6], [0, 1, 16], [0, 4.5, 4.5]])
def test_undefined_without_rows_on_both_sides(kl):
    value = value_at(curve(kl, np.ones(3)), 4.0)
    assert not value.defined
    assert "both sides" in value.reason


def test_without_samples_two_rows_at_equal_distance_move_together():
    """Weights 1/2 and 1/2, errors 0.1 each, fully correlated: 0.1."""
    value = value_at(curve([0.0, 1.9**2, 2.1**2], [0.0, 1.0, 1.0]), 4.0)
    assert (value.high - value.low) / 2 == pytest.approx(1.96 * 0.1, rel=1e-3)


def test_the_interval_covers_when_kl_and_gold_are_both_noisy():
    """Gold = 2 - d/2 measured on 40 prompts at KLs that are measured too; 400 runs, 3 binomial errors."""
    rng = np.random.default_rng(0)
    true_kl = np.array([0.0, 3.0, 3.7, 4.6, 5.6])
    hits = 0
    for _ in range(400):
        gold_RP = 2 - 0.5 * np.sqrt(true_kl)[:, None] + rng.normal(0, 0.5, (5, 40)) + rng.normal(0, 0.4, 40)
        kl_RP = true_kl[:, None] + rng.normal(0, 1.0, (5, 40)) * np.sqrt(true_kl)[:, None] / 2
        value = value_at(curve(kl_RP.mean(1), gold_RP.mean(1), gold_RP=gold_RP, kl_RP=kl_RP), 4.0)
        hits += value.low <= 1.0 <= value.high
    assert hits / 400 == pytest.approx(0.95, abs=0.035)


def test_the_peak_is_the_largest_finite_value():
    assert peak_row([0.0, np.nan, 2.0, 2.0]) == 2
    assert peak_row([np.nan]) is None


def test_the_declared_row_is_chosen_by_select_kl_and_only_when_near():
    made = curve([0, 4, 15, 17], np.zeros(4), kl_select=[0.0, 4.0, 16.0, 19.0])
    assert nearest_row(made, 16.0) == 2
    assert nearest_row(made, 40.0) is None

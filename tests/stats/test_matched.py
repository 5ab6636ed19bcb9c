"""Values, differences and equivalence at matched x: straight lines by hand, and error rates by simulation."""

import numpy as np
import pytest

from bench.checks.statistics.simulate import KL, D, Noise, cells
from bench.stats.curves import Curve
from bench.stats.estimate import OVER_REPLICATES
from bench.stats.matched import at_kl, at_proxy, difference, difference_over, value_at
from bench.stats.verdicts.evidence import decide
from bench.stats.verdicts.two_settings import coincide

QUIET = Noise(level=0, shared=0, cell=1e-9, kl=0)


def verdict(evidence):
    return decide([evidence])[0].verdict


def lines(rng, slopes, noise=QUIET):
    return cells(rng, [slope * D for slope in slopes], noise=noise)


def curve(kl, gold, gold_RP=None, kl_RP=None):
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
        kl_select=kl,
        gold_select=gold,
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


def test_a_side_without_a_row_near_by_takes_its_nearest_within_reach():
    """4 is 1.6 above 2.5, and 5 within 1.5 of it: the line through both, .3 + .2 d at d = 2. At 10 it is too far."""
    kl = np.array([0, 1, 2.5, 5])
    rows = curve(kl, 0.3 + 0.2 * np.sqrt(kl))
    assert "within a factor 1.5" in at_kl(rows, 4.0).reason
    assert at_kl(rows, 4.0, 2).point == pytest.approx(0.7, abs=1e-12)
    assert "within a factor 2" in at_kl(rows, 10.0, 2).reason
    assert at_kl(rows, 4.5, 1.5).reason
    near = curve([0, 1, 2.8, 3.6, 4.5, 5.5], [9, 9, 1, 1, 1, 1])
    assert (
        at_kl(near, 4.0, 4).point == at_kl(near, 4.0).point == pytest.approx(1)
    )  # rows beyond the window play no part


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


def test_differences_of_lines_are_their_slopes_times_d():
    one, other = lines(np.random.default_rng(0), [0.5, 0.2])
    assert value_at(one, 9.0).point == pytest.approx(1.5, abs=1e-8)
    assert difference(at_kl(one, 9.0), at_kl(other, 9.0)).point == pytest.approx(0.9, abs=1e-8)


def test_gold_at_a_proxy_score_is_met_where_the_proxy_has_it():
    """Proxy d/2 and gold .3 d: at a proxy of 1.5, d = 3 and gold .9."""
    (curve,) = lines(np.random.default_rng(0), [0.3])
    assert at_proxy(curve, 1.5).estimate.point == pytest.approx(0.9, abs=1e-6)
    assert "both sides" in at_proxy(curve, 4.0).reason


def test_what_prompts_share_leaves_the_difference():
    """A level of a prompt, the same in both curves, widens each value and not their difference."""
    one, other = lines(np.random.default_rng(0), [0.5, 0.5], Noise(level=2, shared=0, cell=0.01, kl=0))
    value, apart = value_at(one, 8.0), difference(at_kl(one, 8.0), at_kl(other, 8.0))
    assert value.error > 0.3
    assert apart.error < 0.01


def test_a_difference_over_three_replicates_is_the_t_mean_of_their_differences():
    """.5 - .2, .6 - .2, .7 - .2 at d = 2: .6, .8, 1.0; se .2 / sqrt 3."""
    rng = np.random.default_rng(0)
    ones, others = lines(rng, [0.5, 0.6, 0.7]), lines(rng, [0.2, 0.2, 0.2])
    apart = difference_over([at_kl(c, 4.0) for c in ones], [at_kl(c, 4.0) for c in others])
    assert (apart.n, apart.method) == (3, OVER_REPLICATES)
    assert apart.point == pytest.approx(0.8, abs=1e-6)
    assert apart.error == pytest.approx(4.302653 * 0.2 / np.sqrt(3), abs=1e-6)


def test_curves_alike_coincide_and_curves_apart_do_not():
    rng = np.random.default_rng(0)
    noise = Noise(cell=0.2)
    alike = lines(rng, [0.3, 0.3], noise)
    assert verdict(coincide(alike[:1], alike[1:], (2, 4, 8), 0.1)) == "observed"
    apart = lines(rng, [0.3, 0.5], noise)
    assert verdict(coincide(apart[:1], apart[1:], (2, 4, 8), 0.1)) == "not observed"


def test_curves_too_noisy_to_tell_are_undecided_though_their_difference_is_not_significant():
    pair = lines(np.random.default_rng(0), [0.3, 0.3], Noise(prompts=12, cell=1.0))
    assert verdict(coincide(pair[:1], pair[1:], (2, 4, 8), 0.1)) == "undecided"


def test_a_range_that_is_not_reached_bars_the_claim():
    pair = lines(np.random.default_rng(0), [0.3, 0.3])
    evidence = coincide(pair[:1], pair[1:], (4, 100), 0.1)
    assert verdict(evidence) == "undecided"
    assert "100 nats" in evidence.barred


def test_curves_exactly_a_margin_apart_pass_as_one_at_most_at_the_level():
    """The edge of the null, at one KL so that the test is at its full size: .025 and two binomial errors of 600."""
    rng = np.random.default_rng(0)
    edge = [0.3 * D, 0.3 * D + 0.25]
    pairs = [cells(rng, edge) for _ in range(600)]
    assert np.mean([verdict(coincide(p[:1], p[1:], (KL[11],), 0.25)) == "observed" for p in pairs]) <= 0.038

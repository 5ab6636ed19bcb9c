"""Holm by hand, p-values against their intervals, and the verdicts of a family of claims."""

import numpy as np
import pytest
from scipy import stats

from bench.stats.estimate import Estimate, from_se, undefined
from bench.stats.verdicts.evidence import (
    ALPHA,
    Evidence,
    Inequality,
    decide,
    holm,
    over_replicates,
    partial_conjunction,
)


def estimate(point, se=0.1, n=50):
    return from_se(point, se, n, "toy")


def test_holm_by_hand():
    """Sorted .01 .02 .03 .04 times 4 3 2 1: .04 .06 .06 .04; made monotone: .04 .06 .06 .06."""
    np.testing.assert_allclose(holm([0.02, 0.04, 0.01, 0.03]), [0.06, 0.06, 0.04, 0.06])
    np.testing.assert_allclose(holm([0.3, 0.9]), [0.6, 0.9])
    np.testing.assert_allclose(holm([0.7, 0.7]), [1.0, 1.0])
    assert holm([]).size == 0


def test_holm_keeps_the_family_wise_error_under_its_level():
    """Seven true nulls: at least one rejection in at most 5%, within 3 binomial errors of 4000 runs."""
    p = np.random.default_rng(0).uniform(size=(4000, 7))
    assert np.mean([(holm(row) < 0.05).any() for row in p]) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 4000)


@pytest.mark.parametrize("n", [3, 12, 128])
@pytest.mark.parametrize("bound", [-0.2, 0.1, 0.35])
def test_a_p_value_is_that_of_the_t_test_and_agrees_with_the_interval(n, bound):
    x = np.random.default_rng(n).normal(0.3, 0.4, n)
    value = from_se(x.mean(), x.std(ddof=1) / np.sqrt(n), n, "toy")
    assert value.p_above(bound) == pytest.approx(stats.ttest_1samp(x, bound, alternative="greater").pvalue, rel=1e-9)
    assert value.p_below(bound) == pytest.approx(1 - value.p_above(bound))
    assert (value.p_above(bound) < ALPHA) == (value.low > bound)
    assert (value.p_below(bound) < ALPHA) == (value.high < bound)


def test_an_estimate_without_an_interval_decides_nothing():
    for value in (undefined("toy", "nothing"), Estimate(1.0, np.nan, np.nan, 0.95, "toy", 1)):
        assert value.p_above(0) == value.p_below(0) == 1.0


def test_an_estimate_without_spread_is_certain():
    assert estimate(0.0, se=0.0).p_below(0.1) == 0.0
    assert estimate(0.0, se=0.0).p_above(0.1) == 1.0


def test_a_claim_is_as_sure_as_its_least_sure_inequality():
    sure, unsure = Inequality("rise", estimate(1.0), 0.1), Inequality("fall", estimate(0.25), 0.1)
    evidence = Evidence((sure, unsure))
    assert evidence.p_for == unsure.p > sure.p
    (decision,) = decide([evidence])
    assert decision.verdict == "undecided"
    assert decision.reason == "the fall of 0.25 ± 0.20 is not clearly above 0.1"


def test_one_reversed_inequality_refutes_a_claim_and_counts_how_many_could_have():
    inequalities = tuple(
        Inequality(name, estimate(point), 0.1) for name, point in (("rise", 1.0), ("fall", -0.2), ("gain", 1.0))
    )
    evidence = Evidence(inequalities)
    assert evidence.p_against == pytest.approx(3 * inequalities[1].p_reversed)
    (decision,) = decide([evidence])
    assert (decision.verdict, decision.reason) == ("not observed", "the fall of −0.20 ± 0.20 is below 0.1")  # noqa: RUF001


def test_what_the_mean_over_replicates_says_is_not_said_again_of_each():
    fall, rise = estimate(-0.2), estimate(-0.3)
    inequalities = (
        Inequality("fall", fall, 0.1),
        Inequality("fall", fall, 0.1, cell="r0"),
        Inequality("rise", rise, 0.1, cell="r1"),
    )
    assert decide([Evidence(inequalities)])[0].reason == (
        "the fall of −0.20 ± 0.20 is below 0.1; the rise in r1 of −0.30 ± 0.20 is below 0.1"  # noqa: RUF001
    )


def test_below_asks_for_the_other_side():
    (decision,) = decide([Evidence((Inequality("fall", estimate(0.5), 0.1, above=False),))])
    assert (decision.verdict, decision.reason) == ("not observed", "the fall of 0.50 ± 0.20 is above 0.1")


def test_several_claims_ask_for_more_and_say_so():
    """p = .02 one-sided alone; twice that with an undecidable companion, which is not below .025."""
    value = from_se(stats.t.isf(0.02, 49) * 0.1, 0.1, 50, "toy")
    evidence = Evidence((Inequality("rise", value, 0.0),))
    assert decide([evidence])[0].verdict == "observed"
    first, second = decide([evidence, Evidence((), "no rows")])
    assert first.p_holm == pytest.approx(0.04)
    assert (first.verdict, first.reason) == ("undecided", "observed before the correction for several claims")
    assert (second.verdict, second.p, second.reason) == ("undecided", 1.0, "no rows")


def test_what_is_barred_can_be_refuted_but_not_observed():
    for point, verdict in ((1.0, "undecided"), (-1.0, "not observed")):
        assert decide([Evidence((Inequality("rise", estimate(point), 0.1),), "at the edge")])[0].verdict == verdict


def test_three_replicates_are_a_t_interval_and_two_are_each_asked():
    parts = [(Inequality("rise", estimate(point), 0.1, cell=f"r{i}"),) for i, point in enumerate((0.4, 0.5, 0.6))]
    (mean,) = over_replicates(parts)
    assert (mean.estimate.n, mean.cell) == (3, "")
    assert mean.estimate.low == pytest.approx(0.5 - 4.302653 * 0.1 / np.sqrt(3), abs=1e-6)
    assert [a.cell for a in over_replicates(parts[:2])] == ["r0", "r1"]
    assert over_replicates(parts[:1])[0].cell == ""


def test_a_partial_conjunction_by_hand():
    """At least 3 of 5 hold: (5 - 3 + 1) times the third smallest; all of 3: the largest."""
    assert partial_conjunction([0.5, 0.001, 0.02, 0.9, 0.01], 3) == pytest.approx(3 * 0.02)
    assert partial_conjunction([0.01, 0.03, 0.02], 3) == pytest.approx(0.03)
    assert partial_conjunction([0.01], 3) == 1.0


def replicated(*points):
    """A claim whose mean is clear, with replicates at these points; each has an error of .1 on 50 prompts."""
    each = tuple(Evidence((Inequality("fall", estimate(p), 0.1, cell=f"r{i}"),)) for i, p in enumerate(points))
    return Evidence((Inequality("fall", estimate(2.0), 0.1),), replicates=each)


@pytest.mark.parametrize(
    ("points", "needed", "verdict"),
    [
        ((1, 1, 1), 3, "observed"),
        ((1, 1, 0.2), 3, "undecided"),  # not clearly in the third
        ((1, 1, -0.5), 3, "not observed"),  # clearly not in the third
        ((1, 1, 1, 1, -0.5), 3, "observed"),
        ((1, 1, -0.5, -0.5, -0.5), 3, "not observed"),  # three cannot be had any more
        ((1, 1, 1, 1, 0.2, 0.2, 0.2, 0.2), 5, "undecided"),  # four of eight are not most
    ],
)
def test_a_claim_must_hold_by_itself_in_three_and_most_replicates(points, needed, verdict):
    evidence = replicated(*points)
    assert evidence.needed == needed
    assert decide([evidence])[0].verdict == verdict


def test_what_replicates_lack_is_said():
    (decision,) = decide([replicated(1, 1, 0.2)])
    assert decision.reason == (
        "by itself in 2 of 3 replicates, needed in 3 (the fall in r2 of 0.20 ± 0.20 is not clearly above 0.1)"
    )


def test_the_correction_for_several_claims_is_not_on_the_replicates():
    """Each replicate's p is .01: under .025, and over it once multiplied by seven; the mean's is far below both."""
    point = 0.1 + stats.t.isf(0.01, 49) * 0.1
    nothing = [Evidence((), "no rows")] * 6
    assert decide([replicated(point, point, point), *nothing])[0].verdict == "observed"


def test_wrong_verdicts_in_a_family_of_seven_stay_under_the_level():
    """Three claims at the edge of their null, four clearly true: some edge called observed in at most 2.5% of 1000."""
    rng, wrong = np.random.default_rng(0), 0
    for _ in range(1000):
        z = rng.normal(size=7) + np.array([0, 0, 0, 6, 6, 6, 6])
        family = [Evidence((Inequality("rise", from_se(value, 1.0, 10**6, "toy"), 0.0),)) for value in z]
        wrong += any(d.verdict == "observed" for d in decide(family)[:3])
    assert wrong / 1000 <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / 1000)

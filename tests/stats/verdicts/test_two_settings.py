"""Claims about two settings: arithmetic by hand, verdicts on known truths, and how often a false claim is observed."""

import numpy as np
import pytest

from bench.checks.statistics.simulate import KL, D, Noise, cells
from bench.stats.verdicts.evidence import decide
from bench.stats.verdicts.two_settings import (
    better_classifier,
    coincide_at,
    higher_at,
    last_shared,
    path_gap,
    with_values,
)

AT = KL[11]  # 8 nats
LIMIT = 0.025 + 2 * np.sqrt(0.025 * 0.975 / 600)  # the level and two binomial errors of 600 runs
NOISY = Noise(prompts=48, select=2)


def verdict(evidence):
    return decide([evidence])[0].verdict


def two(rng, ones, others, noise=None):
    """Curves of both settings on shared prompts."""
    made = cells(rng, [*ones, *others], noise=noise or Noise(cell=0.2))
    return made[: len(ones)], made[len(ones) :]


def accuracies(rng, curves, truth, sd=0.01):
    return [with_values(c, rng.normal(truth, sd) + 0.001 * np.arange(len(c))) for c in curves]


def test_the_gap_of_two_paths_by_hand():
    """(3, 4) and (3, 4): 0. (1, 0) and (0, 1): sqrt 2. (3, 4) and (6, 8): 5 over sqrt(5 x 10)."""
    assert path_gap([3, 4], [3, 4]) == 0
    assert path_gap([1, 0], [0, 1]) == pytest.approx(np.sqrt(2))
    assert path_gap([3, 4, np.nan], [6, 8, 1]) == pytest.approx(5 / np.sqrt(50))
    assert np.isnan(path_gap([], []))


@pytest.mark.parametrize("replicates", [1, 3])
def test_curves_alike_coincide_and_curves_apart_do_not(replicates):
    rng = np.random.default_rng(0)
    alike = two(rng, [0.3 * D] * replicates, [0.3 * D] * replicates)
    assert verdict(coincide_at(*alike, AT, 0.2, gaps=[0.5])) == "observed"
    apart = two(rng, [0.3 * D] * replicates, [0.5 * D] * replicates)
    assert verdict(coincide_at(*apart, AT, 0.2, gaps=[0.5])) == "not observed"


def test_one_path_is_no_finding_though_curves_apart_are():
    rng = np.random.default_rng(0)
    alike, apart = two(rng, [0.3 * D], [0.3 * D]), two(rng, [0.3 * D], [0.5 * D])
    barred = coincide_at(*alike, AT, 0.2, gaps=[0.01, 0.02, 0.4])
    assert verdict(barred) == "undecided"
    assert "differ by 2%" in barred.barred
    assert verdict(coincide_at(*apart, AT, 0.2, gaps=[0.01])) == "not observed"
    assert verdict(coincide_at(*alike, AT, 0.2, gaps=[np.nan])) == "observed"  # no batches in common to compare


@pytest.mark.parametrize("replicates", [1, 2, 3])
@pytest.mark.parametrize(("slope", "expected"), [(0.4, "observed"), (0.2, "not observed"), (0.3, "undecided")])
def test_higher_at_equal_kl(replicates, slope, expected):
    pair = two(np.random.default_rng(1), [slope * D] * replicates, [0.3 * D] * replicates)
    assert verdict(higher_at(*pair, AT)) == expected


@pytest.mark.parametrize(
    ("accuracy", "slope", "expected"),
    [(0.7, 0.2, "observed"), (0.6, 0.2, "not observed"), (0.7, 0.5, "not observed"), (0.65, 0.2, "undecided")],
)
def test_a_better_classifier_needs_both(accuracy, slope, expected):
    rng = np.random.default_rng(1)
    one, other = two(rng, [slope * D] * 3, [0.35 * D] * 3)
    both = accuracies(rng, one, accuracy), accuracies(rng, other, 0.65)
    assert verdict(better_classifier(one, other, AT, both)) == expected


def test_one_replicate_has_no_interval_for_accuracy():
    rng = np.random.default_rng(0)
    one, other = two(rng, [0.1 * D], [0.4 * D])
    evidence = better_classifier(one, other, AT, (accuracies(rng, one, 0.8), accuracies(rng, other, 0.6)))
    assert verdict(evidence) == "undecided"
    assert evidence.inequalities[0].estimate.point == pytest.approx(0.2, abs=0.03)


def test_a_kl_that_is_not_reached_bars_every_claim():
    one, other = two(np.random.default_rng(0), [0.3 * D], [0.3 * D])
    for evidence in (
        coincide_at(one, other, 100, 0.1, gaps=[1]),
        higher_at(one, other, 100),
        better_classifier(one, other, 100, (one, other)),
    ):
        assert verdict(evidence) == "undecided"
        assert "100 nats" in evidence.barred


def test_the_last_shared_kl_is_one_that_all_curves_pass():
    """Rows up to 32 nats pass 16 and, with none beyond, not 32; cut at 8 nats they pass 4."""
    (whole,) = cells(np.random.default_rng(0), [D])
    (short,) = cells(np.random.default_rng(0), [D[:12]], kl=KL[:12])
    assert last_shared([whole], [4, 16, 64]) == 16
    assert last_shared([whole, short], [4, 16, 64]) == 4
    assert last_shared([whole], [64]) is None


@pytest.mark.parametrize("replicates", [1, 3])
def test_false_claims_are_observed_at_most_at_the_level(replicates):
    """Truths at the edge of their claims: exactly a margin apart, exactly level; nor are the tests asleep there."""
    rng = np.random.default_rng(2)
    level, up = [0.3 * D] * replicates, [0.3 * D + 0.25] * replicates
    apart = [two(rng, level, up, NOISY) for _ in range(600)]
    same = [two(rng, level, level, NOISY) for _ in range(600)]
    for made in ([coincide_at(*pair, AT, 0.25, gaps=[1]) for pair in apart], [higher_at(*pair, AT) for pair in same]):
        assert 0.005 <= np.mean([verdict(evidence) == "observed" for evidence in made]) <= LIMIT


@pytest.mark.parametrize(("accuracy", "height"), [(0.6, 0.25), (0.8, 0.0)])
def test_a_classifier_no_better_or_with_no_less_gold_is_seldom_called_one(accuracy, height):
    """One inequality exactly level, the other clear; three replicates."""
    rng, fired = np.random.default_rng(3), []
    for _ in range(600):
        one, other = two(rng, [0.3 * D] * 3, [0.3 * D + height] * 3, NOISY)
        both = accuracies(rng, one, accuracy), accuracies(rng, other, 0.6)
        fired.append(verdict(better_classifier(one, other, AT, both)) == "observed")
    assert 0.005 <= np.mean(fired) <= LIMIT

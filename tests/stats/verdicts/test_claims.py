"""Claims on simulated cells whose truth is known: verdicts, and how often a false claim is called observed."""

import dataclasses

import numpy as np
import pytest

from bench.stats.curves import Curve
from bench.stats.verdicts.claims import earlier_peak, fall_without_rise, higher_peak, no_fall
from bench.stats.verdicts.evidence import decide

KL = np.array([0, 0.5, 1, 2, 4, 8, 16.0, 30.0])
DECLARED = 32.0
PROMPTS = 48
RISE = np.linspace(0, 1.2, 8)
HUMP = np.array([0, 0.4, 0.8, 0.9, 0.7, 0.2, -0.3, -0.6])
FALL = -np.linspace(0, 1.2, 8)
EARLY = np.array([0, 0.8, 0.9, 0.6, 0.2, -0.3, -0.6, -0.9])
LATE = np.array([0, 0.2, 0.4, 0.6, 0.9, 1.2, 0.7, 0.3])


def simulate(rng, truth, cell="cell", sd=0.4):
    truth = np.asarray(truth, dtype=float)
    gold_RP = truth[:, None] + rng.normal(0, sd / 2, PROMPTS) + rng.normal(0, sd, (len(truth), PROMPTS))
    select = truth + rng.normal(0, sd / np.sqrt(PROMPTS / 2), len(truth))
    kl = KL[: len(truth)]
    means = (kl, gold_RP.mean(1), np.zeros(len(kl)), np.sqrt(kl), np.zeros(len(kl)), kl, select)
    prompts = tuple(f"p{i:03d}" for i in range(PROMPTS))
    return Curve(cell, tuple(f"{cell}@{i}" for i in range(len(kl))), *means, gold_RP, gold_RP, gold_RP, prompts)


def cells(rng, truth, replicates, spread=0.05, sd=0.4):
    """Replicates whose truths differ by a factor with standard deviation `spread`."""
    return [simulate(rng, rng.normal(1, spread) * np.asarray(truth), f"r{i}", sd) for i in range(replicates)]


def verdict(evidence):
    return decide([evidence])[0].verdict


def share_observed(make, runs=400):
    rng = np.random.default_rng(0)
    return np.mean([verdict(make(rng)) == "observed" for _ in range(runs)])


@pytest.mark.parametrize("replicates", [1, 2, 3])
@pytest.mark.parametrize(
    ("gold", "rubric", "expected"),
    [
        (RISE, RISE, "observed"),
        (HUMP, RISE, "not observed"),
        (RISE, HUMP, "not observed"),
        (FALL, FALL, "not observed"),
    ],
)
def test_no_fall_needs_both_scores_and_counts_a_fall_from_pi_ref(replicates, gold, rubric, expected):
    rng = np.random.default_rng(0)
    scores = {"gold": cells(rng, gold, replicates), "rubric": cells(rng, rubric, replicates)}
    assert verdict(no_fall(scores, DECLARED)) == expected


@pytest.mark.parametrize("replicates", [1, 2, 3])
@pytest.mark.parametrize(("truth", "expected"), [(FALL, "observed"), (HUMP, "not observed"), (RISE, "not observed")])
def test_fall_without_rise(replicates, truth, expected):
    made = cells(np.random.default_rng(0), truth, replicates, sd=0.2)
    assert verdict(fall_without_rise(made, DECLARED)) == expected


@pytest.mark.parametrize("replicates", [1, 2, 3])
@pytest.mark.parametrize(("scale", "expected"), [(2.0, "observed"), (0.5, "not observed")])
def test_a_higher_peak_by_prompt_and_by_replicate(replicates, scale, expected):
    rng = np.random.default_rng(0)
    pair = cells(rng, scale * HUMP, replicates), cells(rng, HUMP, replicates)
    assert verdict(higher_peak(*pair, DECLARED)) == expected


@pytest.mark.parametrize("replicates", [1, 2, 3])
@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (EARLY, LATE, "observed"),
        (EARLY, RISE, "observed"),  # one that has not turned yet: its best row is the declared one
        (FALL, LATE, "observed"),  # a score that falls from the start is best at pi_ref
        (LATE, EARLY, "not observed"),
        (RISE, LATE, "not observed"),
        (HUMP, FALL, "not observed"),
    ],
)
def test_an_earlier_peak(replicates, one, other, expected):
    rng = np.random.default_rng(1)
    assert verdict(earlier_peak(cells(rng, one, replicates), cells(rng, other, replicates), DECLARED)) == expected


def test_an_earlier_peak_by_hand():
    """No noise: the other is best at row 5, where this score is at -.3; before that its best is row 2, .9."""
    rng = np.random.default_rng(0)
    fall, gain = earlier_peak([simulate(rng, EARLY, sd=0)], [simulate(rng, LATE, sd=0)], DECLARED).inequalities
    assert fall.estimate.point == pytest.approx(0.9 + 0.3)
    assert gain.estimate.point == pytest.approx(1.2 - 0.4)


SHARP = np.array([0, 0.4, 0.8, 1.2, 0.7, 0.2, -0.3, -0.6])
FLAT = np.array([0, 0.3, 0.6, 0.9, 0.89, 0.88, 0.87, 0.86])
NEARLY = np.array([0, 0.6, 1, 1, 0.9, 0.3, -0.3, -0.6])
SURE = np.array([0, 0.2, 0.4, 0.6, 1.6, 0.8, 0.4, 0])


@pytest.mark.parametrize(("replicates", "spread"), [(1, 0.0), (3, 0.2)])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        (HUMP, HUMP),
        (SHARP, FLAT),  # one place, but one is sharp and the other flat, so that its row is chosen anywhere beyond
        (FLAT, SHARP),
        (NEARLY, SURE),  # fallen by exactly the margin where the other is best
    ],
)
def test_peaks_that_are_not_earlier_are_called_so_at_most_one_time_in_forty(replicates, spread, one, other):
    limit = 0.025 + 2 * np.sqrt(0.025 * 0.975 / 400)

    def make(rng):
        return earlier_peak(cells(rng, one, replicates, spread), cells(rng, other, replicates, spread), DECLARED)

    assert share_observed(make) <= limit


def test_the_fall_alone_would_be_fooled_by_a_flat_score():
    """Why the other must gain, too: without that, two peaks at one place are called different in most runs."""

    def fall_alone(rng):
        evidence = earlier_peak(cells(rng, SHARP, 1, 0), cells(rng, FLAT, 1, 0), DECLARED)
        return dataclasses.replace(evidence, inequalities=evidence.inequalities[:1])

    assert share_observed(fall_alone) > 0.25


def test_a_false_claim_is_observed_at_most_one_time_in_forty():
    """Each truth lies at the edge of its claim; the level is .025, allowed 2 binomial errors of 400 runs."""
    limit = 0.025 + 2 * np.sqrt(0.025 * 0.975 / 400)
    edge = np.array([0, 0.6, 1, 1, 1, 1, 1, 0.9])
    assert share_observed(lambda rng: no_fall({"gold": cells(rng, edge, 1)}, DECLARED)) <= limit
    bump = np.array([0, 0.1, 0.1, 0, -0.2, -0.4, -0.6, -0.9])
    assert share_observed(lambda rng: fall_without_rise(cells(rng, bump, 1, 0), DECLARED)) <= limit
    short = np.array([0, -0.1, -0.1, -0.1, -0.1, -0.1, -0.1, -0.1])
    assert share_observed(lambda rng: fall_without_rise(cells(rng, short, 1, 0), DECLARED)) <= limit
    level = np.array([0, 0.6, 0.9, 0.9, 0.9, 0.9, 0.2, -0.6])
    assert share_observed(lambda rng: higher_peak(cells(rng, level, 1, 0), cells(rng, level, 1, 0), DECLARED)) <= limit


def test_replicates_that_vary_are_covered_by_the_t_interval_over_them():
    """Equal sharp peaks that move by 20% from replicate to replicate, their rows chosen anew in each."""
    limit = 0.025 + 2 * np.sqrt(0.025 * 0.975 / 400)
    made = share_observed(lambda rng: higher_peak(cells(rng, HUMP, 3, 0.2), cells(rng, HUMP, 3, 0.2), DECLARED))
    assert made <= limit


def test_a_cell_that_stops_short_refuses_with_the_reason():
    short = [simulate(np.random.default_rng(0), FALL[:4])]
    for evidence in (
        no_fall({"gold": short}, DECLARED),
        fall_without_rise(short, DECLARED),
        higher_peak(short, short, DECLARED),
        earlier_peak(short, short, DECLARED),
    ):
        assert verdict(evidence) == "undecided"
        assert "reached 2 nats" in evidence.barred


def test_prompts_are_matched_by_name():
    rng = np.random.default_rng(0)
    one = simulate(rng, HUMP)
    turned = dataclasses.replace(one, gold_RP=one.gold_RP[:, ::-1], prompt_ids=one.prompt_ids[::-1])
    (difference,) = higher_peak([one], [turned], DECLARED).inequalities
    assert difference.estimate.point == pytest.approx(0.0, abs=1e-12)
    assert difference.estimate.error == pytest.approx(0.0, abs=1e-12)

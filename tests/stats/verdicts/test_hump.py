"""The hump test on simulated cells: how often it fires on nulls, and that it fires on humps."""

import numpy as np
import pytest

from bench.stats.curves import Curve
from bench.stats.estimate import OVER_REPLICATES
from bench.stats.verdicts.hump import hump_test

KL = np.array([0, 0.5, 1, 2, 4, 8, 16.0])
DECLARED = 16.0


def simulate(rng, gold_truth, proxy_truth=None, prompts=48, sd=0.4, kl=KL):
    """A cell measured on prompts: `sd` is the spread of a prompt mean around the row's truth."""
    truth = np.asarray(gold_truth, dtype=float)
    proxy = np.sqrt(kl) if proxy_truth is None else np.asarray(proxy_truth, dtype=float)
    shared = rng.normal(0, sd / 2, prompts)
    gold_RP = truth[:, None] + shared + rng.normal(0, sd, (len(kl), prompts))
    proxy_RP = proxy[:, None] + rng.normal(0, sd, (len(kl), prompts))
    kl_RP = np.repeat(kl[:, None], prompts, 1)
    se = gold_RP.std(1, ddof=1) / np.sqrt(prompts)
    select = truth + rng.normal(0, sd / np.sqrt(prompts / 2), len(kl))
    ids = tuple(f"cell@{i}" for i in range(len(kl)))
    means = (kl, gold_RP.mean(1), se, proxy_RP.mean(1), np.zeros(len(kl)), kl, select)
    return Curve("cell", ids, *means, gold_RP, proxy_RP, kl_RP)


def share_observed(truth, runs=400, **kwargs):
    rng = np.random.default_rng(0)
    return np.mean([hump_test([simulate(rng, truth, **kwargs)], DECLARED).verdict == "observed" for _ in range(runs)])


def test_on_the_a_a_null_it_fires_at_most_one_time_in_twenty():
    assert share_observed(np.zeros(7)) <= 0.05
    assert share_observed(np.zeros(7), sd=2.0) <= 0.05


def test_a_plateau_at_the_edge_of_the_null_fires_at_most_one_time_in_twenty():
    """A sure rise and a fall of exactly 0.1: the strictest null; selection on `select` adds nothing."""
    assert share_observed([0, 0.6, 1, 1, 1, 1, 0.9]) <= 0.05
    assert share_observed([0, 0.05, 0.1, 0.05, 0, -0.5, -1]) <= 0.05


def test_a_clear_hump_is_observed_and_measured():
    truth = [0, 0.4, 0.8, 0.9, 0.7, 0.2, -0.5]
    assert share_observed(truth, runs=50) == 1.0
    verdict = hump_test([simulate(np.random.default_rng(3), truth)], DECLARED)
    assert verdict.rise.low < 0.9 < verdict.rise.high
    assert verdict.fall.low < 1.4 < verdict.fall.high
    assert verdict.replicates[0].end_row_id == "cell@6"
    assert "one replicate" in verdict.reason


def test_a_steady_rise_and_a_steady_fall_are_not_humps():
    rng = np.random.default_rng(0)
    assert hump_test([simulate(rng, np.linspace(0, 1.2, 7))], DECLARED).verdict == "not observed"
    assert hump_test([simulate(rng, -np.linspace(0, 1.2, 7))], DECLARED).verdict == "not observed"


def test_a_hump_while_the_proxy_falls_is_not_over_optimisation():
    truth = [0, 0.4, 0.8, 0.9, 0.7, 0.2, -0.5]
    verdict = hump_test([simulate(np.random.default_rng(0), truth, proxy_truth=-np.sqrt(KL))], DECLARED)
    assert verdict.verdict == "not observed"
    assert "proxy's gain" in verdict.reason
    same = simulate(np.random.default_rng(0), truth, proxy_truth=-np.sqrt(KL))
    assert hump_test([same], DECLARED, proxy_rises=False).verdict == "observed"


def test_a_cell_that_stops_short_is_undecided_with_the_reason():
    verdict = hump_test([simulate(np.random.default_rng(0), [0, 0.4, 0.8, 0.9], kl=KL[:4])], DECLARED)
    assert verdict.verdict == "undecided"
    assert "reached 2 nats" in verdict.reason
    assert not verdict.rise.defined


def test_a_peak_at_the_edge_of_the_sweep_is_undecided():
    kl = np.array([0, 12.0, 16.0])
    verdict = hump_test([simulate(np.random.default_rng(0), [0, 2.0, 0.5], kl=kl)], DECLARED)
    assert verdict.verdict == "undecided"
    assert "edge" in verdict.reason


def test_it_must_hold_in_each_of_three_replicates():
    hump, rise = [0, 0.4, 0.8, 0.9, 0.7, 0.2, -0.5], np.linspace(0, 1.2, 7)
    rng = np.random.default_rng(0)
    humps = [simulate(rng, hump) for _ in range(3)]
    verdict = hump_test(humps, DECLARED)
    assert verdict.verdict == "observed"
    assert (verdict.rise.method, verdict.rise.n) == (OVER_REPLICATES, 3)
    mixed = hump_test([*humps[:2], simulate(rng, rise)], DECLARED)
    assert mixed.verdict == "not observed"
    assert "2 of 3" in mixed.reason


def test_replicates_that_differ_too_much_are_undecided():
    """Each replicate humps, but rises of 0.4, 0.5 and 3 leave the t interval's lower limit below 0.1."""
    rng, shape = np.random.default_rng(0), np.array([0, 0.5, 0.9, 1, 0.8, 0.3, -0.5])
    verdict = hump_test([simulate(rng, scale * shape, sd=0.2) for scale in (0.4, 0.5, 3)], DECLARED)
    assert all(part.verdict == "observed" for part in verdict.replicates)
    assert verdict.verdict == "undecided"


def test_no_curve_is_a_mistake():
    with pytest.raises(ValueError, match="at least one replicate"):
        hump_test([], DECLARED)

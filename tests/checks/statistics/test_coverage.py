"""Intervals hold the truth in 95% of runs. Seeds are fixed, so each count is one number; `coverage` counts more."""

import numpy as np
import pytest

from bench.checks.statistics.coverage import count
from bench.checks.statistics.interval_kinds import Case, one_replicate, over_replicates, rl_form_alone
from bench.checks.statistics.simulate import D, cells
from bench.stats.bootstrap import means_under, prompt_counts
from bench.stats.estimate import BY_PROMPT, from_draws, from_se, replicate_mean


def held(intervals, truth):
    return np.mean([i.low <= truth <= i.high for i in intervals])


@pytest.mark.parametrize("replicates", [3, 5])
def test_t_over_replicates_holds_the_mean_over_all_there_could_be(replicates):
    """2000 runs: two binomial errors are .0097, so .93 to .97 leaves room."""
    sample = np.random.default_rng(0).normal(1, 0.3, (2000, replicates))
    assert 0.93 <= held([replicate_mean(row) for row in sample], 1.0) <= 0.97


@pytest.mark.parametrize("prompts", [12, 96])
def test_one_replicate_clustered_by_prompt_holds_its_own_truth(prompts):
    """Samples of a prompt move together: what counts is the mean of each prompt."""
    rng, intervals = np.random.default_rng(0), []
    for _ in range(1000):
        values_P = (rng.normal(0, 1, (prompts, 1)) + rng.normal(0, 1, (prompts, 3))).mean(axis=1)
        se = values_P.std(ddof=1) / prompts**0.5
        intervals.append(from_se(values_P.mean(), se, prompts, BY_PROMPT))
    assert 0.93 <= held(intervals, 0.0) <= 0.97


def test_quantiles_over_resampled_prompts_hold_a_mean_at_twelve_prompts():
    """Plain quantiles hold it in 90% here; taken further out, in 93 to 97%."""
    rng, wide = np.random.default_rng(0), []
    for _ in range(800):
        values = rng.normal(size=(1, 12))
        draws = means_under(prompt_counts(12, 600, rng), values)[:, 0]
        wide.append(from_draws(float(values.mean()), draws, 12))
    assert 0.93 <= held(wide, 0.0) <= 0.97


def test_every_kind_is_made_and_counted():
    kinds = [c for simulation in (one_replicate, rl_form_alone, over_replicates(3)) for c in count(simulation, 3)]
    assert len({c.kind for c in kinds}) == len(kinds) > 30
    assert all(c.unmade < 1 and c.width > 0 for c in kinds if "range of the choice" not in c.kind)


def test_counting_by_hand():
    """Truth 1: of three intervals one misses and one could not be made."""
    made = iter([Case(*map(np.asarray, (1.0, 0.0, 2.0, 1.0))), Case(*map(np.asarray, (3.0, 2.0, 4.0, 1.0)))] * 2)
    nothing = Case(*map(np.asarray, (np.nan, np.nan, np.nan, 1.0)))
    cases = iter([next(made), next(made), nothing])
    (found,) = count(lambda rng: {"toy": next(cases)}, 3)
    assert (found.covered, found.unmade, found.width) == (0.5, pytest.approx(1 / 3), 2.0)


def test_simulated_cells_have_their_truth():
    """40 cells of one truth on 96 prompts: the mean over cells and prompts is within 5 standard errors everywhere."""
    rng = np.random.default_rng(0)
    gold = np.mean([cells(rng, [0.3 * D])[0].gold for _ in range(40)], axis=0)
    np.testing.assert_allclose(gold, 0.3 * D, atol=5 * 0.75 / np.sqrt(40 * 96))

"""What sections share is computed once, and is what each would have computed alone."""

import numpy as np
import pytest

from bench.stats.bootstrap import prompt_counts
from bench.stats.matched import at_kl, difference_over
from bench.stats.verdicts.hump import hump_test
from reports.analysis.analysis import Analysis
from reports.analysis.resampling import MOST, SEED, Resampling
from reports.page.page import fill
from reports.read.load import load
from reports.read.logs import read_log
from reports.sections.registry import SECTIONS


@pytest.mark.parametrize("prompts", [1, 12, 160])
@pytest.mark.parametrize("draws", [500, 1000, MOST])
def test_fewer_resamples_are_the_first_of_more(prompts, draws):
    """The draws of a page are those of a generator that was asked for no more of them."""
    alone = prompt_counts(prompts, draws, np.random.default_rng(SEED))
    np.testing.assert_array_equal(Resampling().counts(prompts, draws), alone)


def test_more_resamples_than_are_drawn_are_refused():
    with pytest.raises(AssertionError, match="more than"):
        Resampling().counts(3, MOST + 1)


def test_shared_numbers_are_the_statistics(built):
    analysis = Analysis(load(built))
    ppo, dpo = (next(c for c in analysis.run.cells if c.name == f"{name}-b0-r0") for name in ("ppo", "dpo"))
    values = analysis.values
    assert values.difference([ppo], [dpo], 4.0) == difference_over([at_kl(ppo.curve, 4.0)], [at_kl(dpo.curve, 4.0)])
    assert values.hump([ppo], 16.0) == hump_test([ppo.curve], 16.0)
    assert values.difference([ppo], [dpo], 4.0) is values.difference([ppo], [dpo], 4.0)
    assert values.at_kl(ppo, 4.0).point != values.at_kl(dpo, 4.0).point


def test_a_page_draws_one_set_of_resamples_a_number_of_prompts(preference_run):
    """Report prompts are 120 and select prompts 60."""
    analysis = Analysis(load(preference_run))
    fill(SECTIONS, analysis)
    assert {prompts: len(drawn) for prompts, drawn in analysis.values.resampling._drawn.items()} == {
        120: MOST,
        60: MOST,
    }


def test_sections_leave_the_run_folder_alone(built, monkeypatch):
    """Once an Analysis has its run, only training logs are read, each of them once."""
    analysis, opened = Analysis(load(built)), []
    monkeypatch.setattr("reports.read.run.read_log", lambda path: opened.append(path) or read_log(path))
    fill(SECTIONS, analysis)
    assert len(opened) == len(set(opened)) > 0

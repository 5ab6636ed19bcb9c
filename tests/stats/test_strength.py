"""The best strength of a grid: parabolas by hand, and the coverage of its interval by simulation."""

import numpy as np
import pytest

from bench.stats.bootstrap import prompt_counts
from bench.stats.strength import BestStrength, best_strength, slope, vertices

LOG_B = np.log([0.01, 0.03, 0.1, 0.3, 1.0])


def best(gold_BP):
    return best_strength(np.exp(LOG_B), gold_BP, prompt_counts(gold_BP.shape[1], 400, np.random.default_rng(0)))


def test_a_parabola_is_met_at_its_vertex():
    """-(x - 1.3)^2 at 0, 1, 2, 3, and on an uneven grid."""
    for x in (np.array([0.0, 1, 2, 3]), np.array([0.0, 0.9, 2.5, 3])):
        assert vertices(x, -((x - 1.3) ** 2)[None])[0] == pytest.approx(1.3)


def test_the_ends_of_the_grid_have_no_vertex():
    x = np.arange(4.0)
    np.testing.assert_array_equal(vertices(x, np.array([x, -x])), [np.inf, -np.inf])
    np.testing.assert_array_equal(vertices(x[:2], np.array([x[:2]])), [np.inf])
    rising = best(np.broadcast_to(LOG_B[:, None], (5, 8)))
    assert not rising.beta.defined
    assert "the largest strength that was run is the best one" in rising.beta.reason


def test_three_level_values_meet_in_the_middle():
    np.testing.assert_array_equal(vertices(np.arange(4.0), np.array([[0.0, 1, 1, 0]])), [1.5])
    np.testing.assert_array_equal(vertices(np.arange(5.0), np.array([[0.0, 0, 0, 0, 0]])), [-np.inf])


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """Gold -(log beta - log .07)^2 / 8 and prompts' noise; 400 runs of 48 prompts, three binomial errors."""
    rng, truth, hits = np.random.default_rng(1), np.log(0.07), 0
    for _ in range(400):
        gold_BP = -((LOG_B - truth) ** 2)[:, None] / 8 + rng.normal(0, 0.3, 48) + rng.normal(0, 0.4, (5, 48))
        found = best(gold_BP).beta
        hits += found.low <= np.exp(truth) <= found.high
    assert hits / 400 == pytest.approx(0.95, abs=0.035)


def test_the_slope_is_that_of_the_line_through_the_points():
    """Log betas 1 and 1.2 at 0, .4 at log 2: slope (.4 - 1.1) / log 2; without spread there is no line."""
    made = [BestStrength(b, np.full(50, b), 20) for b in (1.0, 1.2, 0.4)]
    x = np.log([1.0, 1.0, 2.0])
    assert slope(x, made).point == pytest.approx(-0.7 / np.log(2))
    assert not slope(x[:2], made[:2]).defined
    assert not slope(x, [*made[:2], BestStrength(np.inf, np.full(50, np.inf), 20)]).defined

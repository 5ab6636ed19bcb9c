"""How often the intervals of the public functions hold the truth, and how often a false hump is observed."""

import numpy as np
import pytest
from toy_table import replicates, table

from bench.stats import at_kl, hump_test


def test_coverage_on_a_quadratic_hump():
    """Gold .8 d - .16 d^2 at 8 nats, measured on 24 prompts at measured KLs. 400 runs, two binomial errors: 2.2%.

    Rows lie within 25% of 8 nats, so the bend within the window (.16 times the variance of d, .02) is .003.
    """
    rng, kl, hits = np.random.default_rng(0), np.array([6.4, 7.2, 8, 8.9, 10]), 0
    gold, truth = 0.8 * np.sqrt(kl) - 0.16 * kl, 0.8 * np.sqrt(8) - 0.16 * 8
    for _ in range(400):
        df = table(gold, kl=kl, prompts=24, offset_P=rng.normal(0, 0.3, 24), noise=rng.normal(0, 0.5, (5, 24)))
        df["kl"] *= rng.normal(1, 0.2, len(df))
        found = at_kl(df, 8)
        hits += found.low <= truth <= found.high
    assert hits / 400 >= 0.95 - 0.022


def test_coverage_over_replicates():
    """Heights vary by 30%; the truth is the mean over all replicates there could be. 300 runs, as above: 2.5%."""
    rng, kl, hits = np.random.default_rng(1), np.array([6.4, 8, 10]), 0
    gold, truth = 0.8 * np.sqrt(kl) - 0.16 * kl, 0.8 * np.sqrt(8) - 0.16 * 8
    for _ in range(300):
        found = at_kl(replicates([h * gold for h in rng.normal(1, 0.3, 3)], kl=kl), 8)
        hits += found.low <= truth <= found.high
    assert hits / 300 >= 0.95 - 0.025


@pytest.mark.parametrize(
    "gold", [np.zeros(8), np.array([0, 0.6, 1, 1, 1, 1, 1, 0.9]), np.array([0, 0.05, 0.1, 0.05, 0, -0.5, -1, -1])]
)
def test_a_false_hump_is_observed_at_most_one_time_in_twenty(gold):
    """Flat; a sure rise with a fall of exactly .1; a rise of exactly .1 with a sure fall. 200 runs each."""
    rng, fired = np.random.default_rng(2), 0
    for _ in range(200):
        df = table(gold, prompts=40, offset_P=rng.normal(0, 0.3, 40), noise=rng.normal(0, 0.5, (8, 40)))
        fired += hump_test(df, kl=16).verdict == "observed"
    assert fired / 200 <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 200)

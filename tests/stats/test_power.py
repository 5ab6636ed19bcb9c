import numpy as np
import pytest
from scipy import stats

from bench.stats.estimate import from_se, replicate_mean, undefined
from bench.stats.power import detectable


@pytest.mark.parametrize("n", [3, 8, 96])
def test_the_t_test_has_its_power_at_the_detectable_difference(n):
    """Against SciPy's non-central t, then with the standard error known and normal (n large): (1.96 + .84) se."""
    critical, effect = stats.t.isf(0.025, n - 1), detectable(from_se(0.0, 1.0, n, "toy"))
    assert stats.nct.sf(critical, n - 1, effect) == pytest.approx(0.8, abs=1e-6)
    assert detectable(from_se(0.0, 0.3, 10**7, "toy")) == pytest.approx(0.3 * (1.959964 + 0.841621), rel=1e-4)


def test_simulated_replicates_reject_in_four_runs_of_five():
    """Five replicates of unit spread, 4000 runs: two binomial errors are .013."""
    effect = detectable(from_se(0.0, 1 / np.sqrt(5), 5, "toy"))
    sample = np.random.default_rng(0).normal(effect, 1, (4000, 5))
    rejected = [replicate_mean(row).low > 0 for row in sample]
    assert np.mean(rejected) == pytest.approx(0.8, abs=0.013)


def test_without_an_interval_nothing_can_be_said():
    assert np.isnan(detectable(undefined("toy", "nothing")))
    assert np.isnan(detectable(replicate_mean([1.0])))

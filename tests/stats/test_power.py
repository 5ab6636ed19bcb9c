import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from bench.stats.estimate import from_se, replicate_mean, undefined
from bench.stats.power import detectable, needed
from bench.stats.verdicts.evidence import Evidence, Inequality


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


@pytest.mark.parametrize("values", [[0.1, 0.5, 0.3, 0.9], [0.2, 0.21, 0.5], [0.0, 0.3, -0.2, 0.5, 0.1]])
@pytest.mark.parametrize("alpha", [0.025, 0.025 / 7])
def test_the_replicates_needed_are_the_least_that_statsmodels_gives_80_percent(values, alpha):
    found = needed(Evidence((Inequality("rise", replicate_mean(values), 0.05),)), alpha=alpha).replicates
    effect = (np.mean(values) - 0.05) / np.std(values, ddof=1)
    power = TTestPower().power
    assert power(effect, found, alpha, alternative="larger") >= 0.8
    assert found == 3 or power(effect, found - 1, alpha, alternative="larger") < 0.8


def test_the_inequality_that_needs_most_decides_and_its_side_counts():
    sure = Inequality("rise", replicate_mean([1.0, 1.1, 0.9]), 0.1)
    weak = Inequality("fall", replicate_mean([0.1, 0.5, 0.3]), 0.1)
    below = Inequality("change", replicate_mean([-0.1, -0.5, -0.3]), -0.1, above=False)
    alone = needed(Evidence((weak,))).replicates
    assert alone > needed(Evidence((sure,))).replicates
    assert needed(Evidence((sure, weak))).replicates == alone == needed(Evidence((below,))).replicates


def test_no_number_of_replicates_is_named_without_an_effect_or_a_spread():
    other_sign = needed(Evidence((Inequality("fall", replicate_mean([-0.1, 0.0, 0.1]), 0.1),)))
    assert (other_sign.replicates, other_sign.reason) == (None, "the fall is not above 0.1 in this sample")
    one = needed(Evidence((Inequality("fall", from_se(1.0, 0.1, 48, "over prompts"), 0.1),)))
    assert one.replicates is None
    assert "no spread" in one.reason
    barred = needed(Evidence((), "no row near 8 nats"))
    assert (barred.replicates, str(barred)) == (None, "no row near 8 nats")
    tiny = needed(Evidence((Inequality("fall", replicate_mean([-9.0, 9.0, 0.1]), 0.0),)))
    assert tiny.reason == "more than 1000 replicates"

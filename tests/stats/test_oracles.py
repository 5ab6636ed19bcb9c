"""Our bootstrap, Holm, equivalence and agreement against arch, statsmodels and krippendorff."""

import krippendorff
import numpy as np
import pytest
from arch.bootstrap import IIDBootstrap
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired

from bench.stats.agreement import agreement
from bench.stats.bootstrap import means_under, prompt_counts
from bench.stats.estimate import ENOUGH, from_draws, paired_difference, prompt_mean
from bench.stats.verdicts.evidence import Evidence, Inequality, holm

DRAWS = 20_000


def skewed(prompts):
    return np.random.default_rng(prompts).exponential(1.0, prompts)


@pytest.mark.parametrize("prompts", [24, 96])
def test_quantiles_of_resampled_means_agree_with_arch_where_the_mean_is_symmetric(prompts):
    """For a normal sample BCa and the studentised interval have the same limit as the expanded quantiles.

    20,000 draws place a 2.5% quantile within about 1.5% of the half width; the rest is order 1 / n.
    """
    values = np.random.default_rng(0).normal(0, 1, prompts)
    values = np.concatenate([values, -values])  # exactly symmetric, so that no method corrects for skew
    draws = means_under(prompt_counts(len(values), DRAWS, np.random.default_rng(1)), values[None])[:, 0]
    ours = from_draws(float(values.mean()), draws, len(values))
    for method in ("bca", "studentized"):
        made = IIDBootstrap(values, seed=2)
        options = {"std_err_func": _error} if method == "studentized" else {}
        low, high = made.conf_int(np.mean, 4000, method=method, size=0.95, **options).ravel()
        assert ours.low == pytest.approx(low, abs=0.05 * ours.error + 0.5 * ours.error / len(values) ** 0.5)
        assert ours.high == pytest.approx(high, abs=0.05 * ours.error + 0.5 * ours.error / len(values) ** 0.5)


def _error(mean, values):
    return values.std(ddof=1) / len(values) ** 0.5


@pytest.mark.parametrize("prompts", [48, 384])
def test_on_a_skewed_score_the_distance_to_bca_and_studentised_ends_is_the_skew_alone(prompts):
    """Quantiles miss half of the skew that BCa sees: its shift is z^2 g / 6 root n standard errors (Efron 1987).

    Hall 1988: ends of BCa lie (1 + 2 z^2) g / 6 sqrt(n), those of the percentiles (z^2 - 1) g / 6 sqrt(n) from the
    normal ends, in standard errors; the sample skew of the mean is g / sqrt(n).
    """
    values = skewed(prompts)
    se = values.std() / prompts**0.5
    skew = float(((values - values.mean()) ** 3).mean() / values.std() ** 3)
    shift = (1 + 2 * 1.96**2 - (1.96**2 - 1)) * skew / (6 * prompts**0.5)
    draws = means_under(prompt_counts(prompts, DRAWS, np.random.default_rng(1)), values[None])[:, 0]
    ours = from_draws(float(values.mean()), draws, prompts)
    low, high = IIDBootstrap(values, seed=2).conf_int(np.mean, DRAWS, method="bca", size=0.95).ravel()
    middle = ((low + high) / 2 - (ours.low + ours.high) / 2) / se
    assert middle == pytest.approx(shift, abs=0.12)


def test_the_bootstrap_means_have_archs_standard_error():
    values = skewed(48)
    draws = means_under(prompt_counts(48, DRAWS, np.random.default_rng(1)), values[None])[:, 0]
    variance = float(IIDBootstrap(values, seed=2).cov(np.mean, DRAWS).squeeze())
    assert draws.std() == pytest.approx(variance**0.5, rel=0.02)  # two errors of a sd of 20,000 draws: 1%


@pytest.mark.parametrize("seed", range(5))
def test_holm_is_that_of_statsmodels(seed):
    p = np.random.default_rng(seed).beta(0.3, 2, 9)
    p[3] = p[5]  # a tie
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1], abs=1e-15)


@pytest.mark.parametrize("shift", [0.0, 0.08, 0.3])
def test_two_one_sided_tests_are_those_of_statsmodels(shift):
    rng = np.random.default_rng(4)
    one, other = rng.normal(shift, 0.2, 30), rng.normal(0, 0.2, 30)
    found = paired_difference(one, other)
    parts = (Inequality("d", found, 0.1, above=False), Inequality("d", found, -0.1))
    p, lower, upper = ttost_paired(one, other, -0.1, 0.1)
    assert Evidence(parts).p_for == pytest.approx(p, rel=1e-9)
    assert [part.p for part in parts] == pytest.approx([upper[1], lower[1]], rel=1e-9)


def test_disagreement_is_krippendorffs_observed_disagreement():
    """Two coders, one item a pair of texts: alpha = 1 - Do / De, with Do the share that we count.

    With N pairs and n_1, n_0 of the 2N codes, De = 2 n_1 n_0 / (2N (2N - 1)).
    """
    rng = np.random.default_rng(0)
    prompts = np.repeat(np.arange(150), 2)
    one = rng.normal(size=300)
    other = one + rng.normal(size=300)
    found = agreement(one, other, np.zeros(300), prompts, np.random.default_rng(0))
    codes = np.array([score[1::2] > score[::2] for score in (one, other)]).astype(int)
    ones, total = codes.sum(), codes.size
    expected = 2 * ones * (total - ones) / (total * (total - 1))
    alpha = krippendorff.alpha(reliability_data=codes, level_of_measurement="nominal")
    assert found.pairs == 150
    assert 1 - found.disagree.point / expected == pytest.approx(alpha, abs=1e-12)
    assert found.correlation.point == pytest.approx(
        np.corrcoef(one[1::2] - one[::2], other[1::2] - other[::2])[0, 1], abs=0.05
    )


def test_prompt_means_are_students_t():
    from statsmodels.stats.weightstats import DescrStatsW

    values = skewed(ENOUGH + 9)
    found = prompt_mean(values)
    assert (found.low, found.high) == pytest.approx(DescrStatsW(values).tconfint_mean(0.05), rel=1e-12)

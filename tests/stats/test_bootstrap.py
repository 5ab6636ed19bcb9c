import dataclasses

import numpy as np
import pytest

from bench.checks.statistics.simulate import Noise, cells
from bench.stats.bootstrap import chosen_range, curve_draws, resampled_means, resamples


def test_spread_is_the_standard_error_and_rows_share_the_resample():
    rng = np.random.default_rng(0)
    prompt = rng.normal(size=50)
    values = np.stack([prompt, prompt + 1.0])
    means = resampled_means(values, 4000, np.random.default_rng(1))
    # the plug-in standard error; 4000 draws put the spread within 4% of it
    assert means[:, 0].std() == pytest.approx(prompt.std() / np.sqrt(50), rel=0.04)
    np.testing.assert_allclose(means[:, 1] - means[:, 0], 1.0, atol=1e-12)


def test_a_missing_prompt_leaves_the_mean_of_the_rest():
    means = resampled_means(np.array([[2.0, np.nan], [1.0, 1.0]]), 200, np.random.default_rng(0))
    assert set(means[:, 1]) == {1.0}
    assert set(means[~np.isnan(means[:, 0]), 0]) == {2.0}
    assert np.isnan(means[:, 0]).any()  # both draws fell on the missing prompt


def test_same_generator_same_bytes():
    values = np.random.default_rng(0).normal(size=(3, 9))
    one, two = (resampled_means(values, 50, np.random.default_rng(7)) for _ in range(2))
    assert one.tobytes() == two.tobytes()


def test_a_clear_peak_has_no_range_and_a_flat_curve_a_wide_one():
    rng, x = np.random.default_rng(0), np.arange(5.0)
    noise = rng.normal(size=(5, 40))
    clear = noise + np.array([0, 5, 50, 5, 0])[:, None]
    assert chosen_range(x, clear, np.random.default_rng(0)) == (2.0, 2.0)
    low, high = chosen_range(x, noise, np.random.default_rng(0))
    assert high > low


def test_one_resample_serves_all_cells_also_those_on_some_of_the_prompts():
    """Two cells with the same numbers move together; one on a third of the prompts is the same cell cut to them."""
    rng = np.random.default_rng(0)
    (one,) = cells(rng, [np.arange(4.0)], kl=np.array([0, 1, 4, 9.0]), noise=Noise(prompts=30))
    names = ("gold_RP", "proxy_RP", "kl_RP")
    some = dataclasses.replace(one, prompt_ids=one.prompt_ids[5:15], **{n: getattr(one, n)[:, 5:15] for n in names})
    resampled = resamples([one, some], 300, np.random.default_rng(1))
    assert resampled.counts_DP.shape == (300, 30)
    whole = curve_draws(one, resampled)
    np.testing.assert_array_equal(whole.gold, curve_draws(dataclasses.replace(one, cell="again"), resampled).gold)
    counts = resampled.counts_DP[:, 5:15]
    kept = counts.sum(1) > 0
    by_hand = (counts[kept, None, :] * some.gold_RP).sum(2) / counts[kept].sum(1)[:, None]
    np.testing.assert_allclose(curve_draws(some, resampled).gold[kept], by_hand)
    np.testing.assert_allclose(whole.d**2, resampled.counts_DP @ one.kl_RP.T / 30, atol=1e-12)


def test_curves_without_samples_cannot_be_resampled():
    with pytest.raises(ValueError, match="report prompts"):
        resamples([], 10, np.random.default_rng(0))

"""The smoother: exact on lines, linear in the rows, SciPy's own fit, and bands against their definitions."""

import numpy as np
import pytest
from scipy import stats
from scipy.interpolate import make_smoothing_spline

from bench.checks.statistics.simulate import D, Noise, best_of_n_form, cells
from bench.stats.bands import bonferroni_t, interpolated, max_t
from bench.stats.bootstrap import curve_draws, resamples
from bench.stats.smooth import smooth

QUIET = Noise(level=0, shared=0, cell=1e-9, kl=0)
HUMP = D * (best_of_n_form()[0] - best_of_n_form()[1] * D)


def made(gold, noise=QUIET, seed=0):
    return cells(np.random.default_rng(seed), [gold], noise=noise)[0]


def test_a_line_stays_a_line_with_its_slope():
    fitted = smooth(made(0.2 + 0.3 * D))
    np.testing.assert_allclose(fitted.gold, 0.2 + 0.3 * fitted.d, atol=1e-6)
    np.testing.assert_allclose(fitted.slope_R, 0.3, atol=1e-6)


def test_it_is_scipys_spline_at_some_penalty_and_a_linear_map_of_the_rows():
    curve = made(HUMP, Noise())
    fitted = smooth(curve)
    np.testing.assert_allclose(fitted.map_GR @ curve.gold, fitted.gold)
    own = make_smoothing_spline(curve.d, curve.gold)  # SciPy's own choice of penalty
    assert np.abs(fitted.gold - own(fitted.d)).max() < 0.5 * np.abs(curve.gold - HUMP).max()


def test_it_is_nearer_the_truth_than_the_rows_are():
    rng, gain = np.random.default_rng(0), []
    for _ in range(30):
        (curve,) = cells(rng, [HUMP], noise=Noise(level=0, shared=0))
        fitted = smooth(curve)
        at_rows = np.interp(curve.d, fitted.d, fitted.gold)
        gain.append(((at_rows - HUMP) ** 2).mean() / ((curve.gold - HUMP) ** 2).mean())
    assert np.mean(gain) < 0.7


def test_resampled_fits_spread_as_the_linear_map_says():
    """Var of the fit = map Cov map', Cov the rows' covariance over prompts; 4000 resamples put the sd within 4%."""
    curve = made(HUMP, Noise(kl=0))
    fitted = smooth(curve)
    resampled = resamples([curve], 4000, np.random.default_rng(0))
    spread = fitted.of_draws(curve_draws(curve, resampled), curve).std(axis=0)
    cov = np.cov(curve.gold_RP, bias=True) / curve.prompts
    np.testing.assert_allclose(spread, np.sqrt(np.diag(fitted.map_GR @ cov @ fitted.map_GR.T)), rtol=0.05)


def test_too_few_rows_have_no_smooth_curve():
    curve = cells(np.random.default_rng(0), [D[:4]], kl=D[:4] ** 2)[0]
    assert smooth(curve) is None


def test_the_max_t_band_holds_all_of_a_draw_in_its_share_of_draws_and_ignores_what_cannot_move():
    rng = np.random.default_rng(0)
    point, draws = np.zeros(20), rng.normal(size=(5000, 20)) * np.linspace(0, 2, 20)
    band = max_t(np.arange(20.0), point, draws, 10**7)
    inside = ((band.low <= draws) & (draws <= band.high)).all(axis=1).mean()
    assert inside == pytest.approx(0.95, abs=0.001)
    assert band.high[0] == 0
    # 19 independent normals: the quantile is that of the largest |z| of 19, within 3% at 5000 draws
    z = stats.norm.isf((1 - 0.95 ** (1 / 19)) / 2)
    np.testing.assert_allclose(band.high[1:], z * np.linspace(0, 2, 20)[1:], rtol=0.05)


def test_the_band_over_replicates_is_a_t_interval_at_the_shared_level():
    """1, 2, 3 at each of 4 points: se 1/sqrt 3, t at 1 - .05/8 with two degrees of freedom."""
    band = bonferroni_t(np.arange(4.0), np.tile([[1.0], [2.0], [3.0]], 4))
    np.testing.assert_allclose(band.high, 2 + stats.t.isf(0.05 / 8, 2) / np.sqrt(3), rtol=1e-9)


def test_a_point_that_a_replicate_does_not_reach_is_empty():
    long, short = made(D), cells(np.random.default_rng(0), [D[:8]], kl=D[:8] ** 2, noise=QUIET)[0]
    values = interpolated([long, short], np.array([1.0, 3.0]))
    assert np.isnan(values[1, 1])
    assert np.isnan(bonferroni_t(np.array([1.0, 3.0]), values).mean[1])
    assert values[0, 1] == pytest.approx(3.0, abs=1e-6)

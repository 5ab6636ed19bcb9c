"""Fits against the curves they were made from, NumPy's least squares, and numerical integration."""

import dataclasses

import numpy as np
import pytest
from scipy.integrate import quad

from bench.checks.statistics.simulate import KL, D, Noise, best_of_n_form, cells, rl_form
from bench.stats.bootstrap import resamples
from bench.stats.fits import BEST_OF_N, FORMS, ahead, fit, leave_one_out, solve
from bench.stats.gamma import gamma, ratio

QUIET = Noise(level=0, shared=0, cell=1e-9, kl=0)
TRUE = {"best_of_n": best_of_n_form(2.5, 1.0), "rl": rl_form(2.5, 1.0)}


def made(gold, noise=QUIET, seed=0, **kwargs):
    rng = np.random.default_rng(seed)
    (curve,) = cells(rng, [gold], noise=noise, **kwargs)
    return curve, resamples([curve], 400, rng)


@pytest.mark.parametrize("form", FORMS.values(), ids=lambda f: f.name)
def test_a_and_b_come_back_and_the_peak_is_where_it_was_put(form):
    a, b = TRUE[form.name]
    curve, resampled = made(form.value(a, b, D))
    found = fit(curve, form, resampled)
    assert (found.a.point, found.b.point) == (pytest.approx(a, rel=1e-7), pytest.approx(b, rel=1e-7))
    assert (found.peak_d.point, found.peak_gold.point) == (pytest.approx(2.5, rel=1e-6), pytest.approx(1, rel=1e-6))
    assert found.rmse < 1e-7


@pytest.mark.parametrize("form", FORMS.values(), ids=lambda f: f.name)
def test_the_stated_peak_is_the_forms_own_maximum(form):
    a, b = TRUE[form.name]
    grid = np.linspace(0, 6, 60001)
    values = form.value(a, b, grid)
    assert grid[values.argmax()] == pytest.approx(float(form.peak_d(a, b)), abs=1e-4)
    assert values.max() == pytest.approx(float(form.peak_gold(a, b)), abs=1e-8)


def test_the_normal_equations_are_least_squares_for_every_resample():
    rng = np.random.default_rng(0)
    d, gold = rng.uniform(0.2, 5, (3, 9)), rng.normal(size=(3, 9))
    for form in FORMS.values():
        a, b = solve(form, d, gold)
        for i in range(3):
            basis = np.stack([d[i], -form.bend(d[i])], axis=1)
            np.testing.assert_allclose([a[i], b[i]], np.linalg.lstsq(basis, gold[i], rcond=None)[0], rtol=1e-8)


def test_what_does_not_turn_or_turns_outside_has_no_peak_and_says_why():
    rising, beyond = 0.4 * D + 0.02 * D**2, BEST_OF_N.value(*best_of_n_form(9, 1), D)
    for form in FORMS.values():
        curve, resampled = made(rising if form is BEST_OF_N else 0.4 * D + 0.1 * D * np.log(np.maximum(D, 1e-9)))
        found = fit(curve, form, resampled)
        assert not found.peak_d.defined
        assert not found.peak_gold.defined
        assert "does not turn" in found.peak_d.reason
        assert found.a.defined
    assert "outside the rows" in fit(made(beyond)[0], BEST_OF_N, made(beyond)[1]).peak_d.reason
    assert "only falls" in fit(made(-0.1 * D - 0.2 * D**2)[0], BEST_OF_N, made(D)[1]).peak_d.reason


def test_a_peak_that_resamples_lose_has_a_point_and_no_interval():
    """Nearly a line: b is hardly different from 0, so many resamples do not turn."""
    curve, resampled = made(0.5 * D - 0.045 * D**2, Noise(prompts=12, cell=3.0), seed=0)
    found = fit(curve, BEST_OF_N, resampled)
    assert found.peak_d.defined
    assert not found.peak_d.has_interval
    assert "resamples" in found.peak_d.reason


def test_too_few_rows_are_not_fitted():
    curve, resampled = made(D)
    found = fit(curve, BEST_OF_N, resampled, curve.kl < 0.3)
    assert not found.a.defined
    assert "1 rows past pi_ref" in found.reason


def test_leaving_a_replicate_out_measures_how_replicates_differ():
    """Quiet curves of one shape, 1, 1 and 2 times: the one left out is missed by .5, .5 and 1 times the shape."""
    shape = BEST_OF_N.value(*best_of_n_form(), D)
    curves = cells(np.random.default_rng(0), [shape, shape, 2 * shape], noise=QUIET)
    root = np.sqrt(np.mean(shape[1:] ** 2))
    assert leave_one_out(curves, BEST_OF_N).point == pytest.approx(root * (1 + 0.5 + 0.5) / 3, rel=1e-6)
    assert not leave_one_out(curves[:1], BEST_OF_N).defined


def test_small_n_predicts_large_n_where_the_form_is_true_and_misses_where_it_is_not():
    below = KL < 8.5
    true = made(BEST_OF_N.value(*TRUE["best_of_n"], D), Noise(cell=0.3))
    assert all(row.error.low < 0 < row.error.high for row in ahead(true[0], BEST_OF_N, below, true[1]))
    flat = made(np.minimum(BEST_OF_N.value(*best_of_n_form(4, 1), D), 0.85), Noise(cell=0.04, shared=0.01))
    last = ahead(flat[0], BEST_OF_N, below, flat[1])[-1]
    assert last.error.point == pytest.approx(last.measured - last.predicted)
    assert abs(last.error.point) > last.error.error


@pytest.mark.parametrize(("gold", "proxy"), [((0.8, 0.16), (0.6, 0.04)), ((0.5, 0.05), (0.3, 0.0)), ((1.0, 0), (1, 0))])
def test_gamma_is_the_integral_of_its_definition(gold, proxy):
    """Against quadrature; the second pair crosses at d = 4 inside [0, 5]."""
    f, g = (lambda d, ab=ab: d * (ab[0] - ab[1] * d) for ab in (gold, proxy))
    between = quad(lambda d: abs(f(d) - g(d)), 0, 5, points=[4])[0]
    expected = between / quad(f, 0, 5)[0]
    assert float(ratio(gold, proxy, 5.0)) == pytest.approx(expected, abs=1e-9)


def test_gamma_is_null_with_a_reason_where_gold_gains_nothing():
    curve, resampled = made(-0.2 * D)
    assert "not positive" in gamma(curve, 5.0, resampled).reason
    assert "are needed" in gamma(curve, 50.0, resampled).reason


def test_gamma_of_a_curve_is_that_of_its_fits_and_covers_it():
    truth = BEST_OF_N.value(0.8, 0.16, D)
    curve, resampled = made(truth, proxy_SR=[BEST_OF_N.value(0.6, 0.04, D)])
    exact = float(ratio((0.8, 0.16), (0.6, 0.04), 4.0))
    assert gamma(curve, 4.0, resampled).point == pytest.approx(exact, rel=0.05)  # the proxy has noise of its own
    same = dataclasses.replace(curve, proxy=curve.gold, proxy_RP=curve.gold_RP)
    assert gamma(same, 4.0, resampled).point == pytest.approx(0, abs=1e-9)

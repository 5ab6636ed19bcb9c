"""Two lines, end slopes, weak and strong Goodhart: against other computations, and how often they fire."""

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm

from bench.checks.statistics.opinions import CURVES, rates
from bench.checks.statistics.simulate import D, Noise, cells
from bench.stats.verdicts.end_slopes import end_slopes
from bench.stats.verdicts.hump import hump_test
from bench.stats.verdicts.second_opinion import second_opinion
from bench.stats.verdicts.two_lines import two_lines

END, DECLARED = len(D) - 1, 32.0


def one(truth, proxy=None, seed=0):
    return cells(np.random.default_rng(seed), [np.asarray(truth)], None if proxy is None else [np.asarray(proxy)])[0]


def test_end_slopes_are_those_of_a_regression_with_errors_clustered_by_prompt():
    """statsmodels' OLS on every row and prompt; its cluster covariance, by P / (P - 1), is the spread over prompts."""
    curve = one(CURVES["hump: rise 1, fall .5"])
    rows, prompts = curve.gold_RP.shape
    d = np.repeat(curve.d, prompts)
    fit = sm.OLS(curve.gold_RP.ravel(), np.column_stack([np.ones_like(d), d, d**2])).fit(
        cov_type="cluster", cov_kwds={"groups": np.tile(np.arange(prompts), rows), "use_correction": False}
    )
    for found, x in zip(end_slopes(curve, END), (curve.d[0], curve.d[END]), strict=True):
        weights = np.array([0, 1, 2 * x])
        se = float(np.sqrt(weights @ fit.cov_params() @ weights * prompts / (prompts - 1)))
        assert found.point == pytest.approx(float(weights @ fit.params), rel=1e-9)
        assert found.p_above(0.0) == pytest.approx(_t_tail(found.point / se, prompts - 1), rel=1e-6)


def _t_tail(t, df):
    from scipy.stats import t as student

    return student.sf(t, df)


def test_two_lines_find_the_break_of_two_lines():
    """Straight up to 4 nats with slope 1/2 and down from there: slopes and break are known."""
    curve = one(CURVES["hump: rise 1, fall .5"])
    found = two_lines(curve, END)
    assert 2 < found.kl < 12
    assert found.left.low > 0 > found.right.high
    upto = curve.d <= found.kl**0.5 + 1e-9
    assert found.left.point == pytest.approx(np.polyfit(curve.d[upto], curve.gold[upto], 1)[0], rel=1e-9)
    assert found.right.point == pytest.approx(
        np.polyfit(curve.d[~(curve.d < found.kl**0.5 - 1e-9)], curve.gold[~(curve.d < found.kl**0.5 - 1e-9)], 1)[0],
        rel=1e-9,
    )


def test_the_break_depends_on_select_prompts_alone_and_the_slopes_on_report_prompts_alone():
    curve = one(CURVES["hump: rise 1, fall .5"])
    moved = replace(curve, gold=curve.gold[::-1].copy(), gold_RP=curve.gold_RP[::-1].copy())
    assert two_lines(curve, END).kl == two_lines(moved, END).kl


def test_too_few_rows_or_none_near_the_declared_kl_are_undecided_with_the_reason():
    curve = cells(np.random.default_rng(0), [np.zeros(4)], kl=np.array([0, 4, 16, 32.0]))[0]
    found = second_opinion([curve], DECLARED)
    assert found.two_lines.verdict == "undecided"
    assert "fewer than 5 rows" in found.two_lines.reason
    assert "reached" in second_opinion([one(np.zeros(len(D)))], 500.0).end_slopes.reason


def test_words_beside_the_hump_verdict():
    hump = hump_test([one(CURVES["hump: best-of-n form, rise 1, fall 1.6"])], DECLARED)
    assert (hump.verdict, hump.second.beside(hump.verdict)) == ("observed", "both agree")
    rising = hump_test([one(CURVES["rising, straight in d"])], DECLARED)
    assert rising.verdict == rising.second.end_slopes.verdict == "not observed"
    nothing = hump_test([one(np.zeros(len(D)))], 500.0)
    assert nothing.second.beside(nothing.verdict) == "both undecided"
    assert rising.second.beside("observed").endswith("end slopes disagree: not observed")


def test_weak_and_strong_goodhart_are_told_apart():
    level, falls = np.minimum(D / 2, 1), CURVES["hump: best-of-n form, rise 1, fall 1.6"]
    sizes, exact = (0.9, 1.0, 1.0, 1.1, 1.0), Noise(cell=0.2)
    weak = hump_test(cells(np.random.default_rng(0), [level * s for s in sizes], noise=exact), DECLARED)
    assert (weak.weak.verdict, weak.strong.verdict) == ("observed", "not observed")
    strong = hump_test(cells(np.random.default_rng(0), [falls] * 5), DECLARED)
    assert (strong.weak.verdict, strong.strong.verdict) == ("not observed", "observed")


def test_without_the_proxys_gain_neither_goodhart_is_observed():
    falls, level = CURVES["hump: best-of-n form, rise 1, fall 1.6"], np.minimum(D / 2, 1)
    for truth in (falls, level):
        found = hump_test(cells(np.random.default_rng(0), [truth] * 5, [-D / 2] * 5), DECLARED)
        assert found.weak.verdict == found.strong.verdict == "not observed"


def test_that_gold_does_not_clearly_fall_is_not_enough_for_weak_goodhart():
    """Few prompts: the change may be anything, so gold is not shown to be level."""
    curve = one(np.minimum(D / 2, 1))
    few = replace(curve, gold_RP=curve.gold_RP[:, :6], proxy_RP=curve.proxy_RP[:, :6], kl_RP=curve.kl_RP[:, :6])
    assert hump_test([few], DECLARED).weak.verdict == "undecided"


@pytest.mark.parametrize("replicates", [1, 3])
@pytest.mark.parametrize("name", ["level (pi_ref throughout)", "rising, straight in d"])
def test_on_curves_that_do_not_turn_no_test_fires_often(name, replicates):
    """150 runs at 2.5%: 3.8 expected, and 9 or more in 1.4% of the counts."""
    found = rates(CURVES[name], replicates, 150)
    assert max(found[test] for test in ("hump", "two lines", "end slopes", "strong")) <= 8 / 150


def test_a_parabola_over_rejects_where_gold_rises_to_a_level_and_the_hump_test_does_not():
    """The known failure of end slopes (Simonsohn 2018, figure 2): documented, so that a change of it is seen."""
    found = rates(CURVES["saturating: 1 - exp(-2 d)"], 3, 100)
    assert found["end slopes"] > 0.5
    assert found["hump"] <= 0.05

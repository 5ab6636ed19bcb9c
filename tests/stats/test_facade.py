"""The public functions on tables whose answers are known by hand or by numpy."""

import numpy as np
import pandas as pd
import pytest
from toy_table import KL, LINE, OFFSET, half, replicates, table

from bench.stats import at_kl, compare, curve, fit, hump_test, peak
from bench.stats.estimate import BY_PROMPT, OVER_REPLICATES
from bench.stats.frame import SPLITS


def test_gold_at_a_kl_on_a_line_by_hand():
    """.3 + .2 d at d = 2 is .7; all prompts' offsets stay in it, so its error is that of their mean."""
    found = at_kl(table(LINE, offset_P=OFFSET), kl=4)
    assert found.point == pytest.approx(0.7)
    assert found.error == pytest.approx(half(1, 3))
    assert (found.n, BY_PROMPT in found.method) == (3, True)


def test_gold_at_a_kl_is_numpys_line_through_the_rows_near_it():
    rng = np.random.default_rng(0)
    df = table(LINE, prompts=6, noise=rng.normal(0, 0.5, (8, 6)))
    near = (KL >= 4 / 1.5) & (KL <= 4 * 1.5)
    means = df.groupby("policy")["gold"].mean().to_numpy()
    assert at_kl(df, 4).point == pytest.approx(np.polyval(np.polyfit(np.sqrt(KL[near]), means[near], 1), 2.0))


def test_a_side_without_a_policy_near_takes_one_within_a_factor_two():
    """Rows at 1 and 3 for 1.8: 1 lies beyond the factor 1.5 (and within 2), and so does 3."""
    kl = np.array([0, 1, 3.0])
    assert at_kl(table(0.3 + 0.2 * np.sqrt(kl), kl=kl), 1.8).point == pytest.approx(0.3 + 0.2 * np.sqrt(1.8))


def test_three_replicates_are_a_t_mean():
    """.6, .7, .8 at d = 2: mean .7, standard deviation .1. Two replicates are the first one's."""
    df = replicates([LINE - 0.1, LINE, LINE + 0.1], offset_P=OFFSET)
    found = at_kl(df, kl=4)
    assert (found.method, found.n) == (OVER_REPLICATES, 3)
    assert found.point == pytest.approx(0.7)
    assert found.error == pytest.approx(half(0.1, 3))
    two = at_kl(df[df["replicate"] < 2], kl=4)
    assert (two.point, two.error) == (pytest.approx(0.6), pytest.approx(half(1, 3)))


def test_a_curve_of_one_replicate_has_its_policies():
    found = curve(table(LINE, offset_P=OFFSET))
    np.testing.assert_allclose(found["d"], np.sqrt(KL))
    np.testing.assert_allclose(found["gold"], LINE)
    np.testing.assert_allclose(found["gold_high"] - found["gold"], half(1, 3))
    np.testing.assert_allclose(found["proxy_low"], np.sqrt(KL))  # every prompt has the same proxy
    assert set(found["n"]) == {3}


def test_a_curve_of_three_replicates_is_their_t_mean_on_a_grid():
    """Straight lines on the range that all share, 0 to 8 nats; standard deviation .1 everywhere."""
    parts = [LINE - 0.1, LINE, LINE + 0.1]
    df = replicates(parts)
    df = df[(df["replicate"] != 1) | (df["kl"] <= 8)]
    found = curve(df, points=5)
    np.testing.assert_allclose(found["d"], np.linspace(0, np.sqrt(8), 5))
    np.testing.assert_allclose(found["kl"], found["d"] ** 2)
    np.testing.assert_allclose(found["gold"], 0.3 + 0.2 * found["d"])
    np.testing.assert_allclose(found["gold_high"] - found["gold"], half(0.1, 3))
    np.testing.assert_allclose(found["proxy"], found["d"])


def test_the_peak_is_chosen_on_select_and_reported_on_report():
    """On select policy 4 is best, on report policy 6 is; so gold is report's at policy 4."""
    select, report = np.zeros(8), np.zeros(8)
    select[4], report[[4, 6]] = 1, (0.5, 2)
    parts = [table(select), table(report, offset_P=OFFSET)]
    df = pd.concat([part.assign(prompt=part["prompt"] + s, split=s) for part, s in zip(parts, SPLITS, strict=True)])
    found = peak(df)
    assert (found.kl.point, found.d.point) == (pytest.approx(4), pytest.approx(2))
    assert found.gold.point == pytest.approx(0.5)
    assert found.gold.error == pytest.approx(half(1, 3))
    assert found.d.low <= 2 <= np.sqrt(8) <= found.d.high  # report does not reject policy 6
    assert (found.kl.low, found.kl.high) == (found.d.low**2, found.d.high**2)
    assert "nats" in str(found)


def test_the_peak_over_replicates_is_a_t_mean_of_places():
    """Peaks at 1, 4 and 16 nats, d 1, 2 and 4, of heights 1, 2 and 3."""
    golds = [height * (kl == KL) for height, kl in ((1, 1), (2, 4), (3, 16))]
    found = peak(replicates(golds, prompts=8))
    assert (found.kl.point, found.d.point, found.gold.point) == (pytest.approx(7), pytest.approx(7 / 3), 2)
    assert found.gold.error == pytest.approx(half(1, 3))
    assert found.kl.error == pytest.approx(half(np.std([1, 4, 16], ddof=1), 3))


def test_a_true_hump_is_observed_with_its_rise_and_fall():
    """.8 d - .16 d^2 at 8 nats is .98, at 16 it is .64; the proxy must rise, unless it is left out."""
    rng, gold = np.random.default_rng(0), 3 * (0.8 * np.sqrt(KL) - 0.16 * KL)
    df = table(gold, prompts=80, noise=rng.normal(0, 0.3, (8, 80)))
    found = hump_test(df, kl=16)
    assert found.verdict == "observed"
    assert found.rise.low < gold.max() < found.rise.high
    assert found.fall.low < gold.max() - gold[-1] < found.fall.high
    falling = df.assign(proxy=-df["proxy"])
    assert hump_test(falling, kl=16).verdict == "not observed"
    assert hump_test(falling, kl=16, proxy_rises=False).verdict == "observed"
    assert hump_test(df, kl=16, delta=2.0).verdict == "not observed"


def test_a_hump_test_without_pi_ref_or_out_of_reach_is_undecided():
    df = table(LINE, prompts=8)
    assert "pi_ref" in hump_test(df[df["kl"] > 0], kl=16).reason
    assert "reached 16 nats" in hump_test(df, kl=64).reason


def test_a_comparison_is_paired_by_prompt():
    """Differences of .4, .5, .6 by prompt: mean .5, standard error .1 / sqrt 3, whatever the prompts' levels."""
    apart = np.array([0.4, 0.5, 0.6])
    found = compare(table(LINE, offset_P=OFFSET + apart), table(LINE, offset_P=OFFSET), kl=4)
    assert found.difference.point == pytest.approx(0.5)
    assert found.difference.error == pytest.approx(half(0.1, 3))
    assert found.equivalence is None


@pytest.mark.parametrize(("scale", "margin", "verdict"), [(0.01, 0.1, "observed"), (0.01, 0.01, "not observed")])
def test_equivalence_within_a_margin(scale, margin, verdict):
    """A difference of .05 that hardly varies lies within .1, and beyond .01; one that varies by 1 is undecided."""
    wobble = np.array([-1, 0, 1])
    one, other = table(LINE, offset_P=0.05 + scale * wobble), table(LINE)
    assert compare(one, other, 4, margin).equivalence.verdict == verdict
    assert compare(table(LINE, offset_P=0.05 + wobble), other, 4, margin).equivalence.verdict == "undecided"


def test_a_comparison_pairs_replicates_by_name():
    """Differences .3, .5, .7 of replicates 0, 1, 2, whose tables are in another order."""
    ones, others = replicates([LINE + 0.3, LINE + 1.5, LINE + 2.7]), replicates([LINE, LINE + 1, LINE + 2])
    found = compare(ones.iloc[::-1], others, kl=4)
    assert found.difference.point == pytest.approx(0.5)
    assert found.difference.error == pytest.approx(half(0.2, 3))


@pytest.mark.parametrize("count", [1, 3])
def test_fits_recover_the_true_form(count):
    """d (1 - .2 d): d* 2.5, R* 1.25. d (1 - .4 log d): d* e^(1.5), beyond the rows; with .8: e^.25, R* .8 e^.25."""
    d = np.sqrt(KL)
    found = fit(replicates([d * (1 - 0.2 * d)] * count, offset_P=OFFSET), "bon")
    expected = {"a": 1, "b": 0.2, "peak_d": 2.5, "peak_gold": 1.25, "rmse": 0}
    for name, value in expected.items():
        number = getattr(found, name)
        assert (number if name == "rmse" else number.point) == pytest.approx(value, abs=1e-9)
    log = np.log(np.maximum(d, 1e-9))
    rl = fit(replicates([d * (1 - 0.8 * log)] * count), "rl")
    assert (rl.a.point, rl.b.point) == (pytest.approx(1), pytest.approx(0.8))
    assert (rl.peak_d.point, rl.peak_gold.point) == (pytest.approx(np.exp(0.25)), pytest.approx(0.8 * np.exp(0.25)))
    beyond = fit(replicates([d * (1 - 0.4 * log)] * count), "rl")
    assert not beyond.peak_d.defined
    assert beyond.peak_d.reason


def test_fits_of_three_replicates_are_t_means():
    d = np.sqrt(KL)
    found = fit(replicates([a * d - 0.2 * KL for a in (0.9, 1.0, 1.1)]), "bon")
    assert found.a.error == pytest.approx(half(0.1, 3))
    assert (found.a.method, found.rows) == (OVER_REPLICATES, 21)

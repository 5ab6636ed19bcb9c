import math

import numpy as np
import pandas as pd
import pytest

from bench.rewards.base import Reward
from bench.rewards.units import (
    Units,
    calibration_scale,
    label_ce,
    units_from_pool,
    within_prompt_corr,
    within_prompt_sd,
)

# Labels of logits x ln 3 in their exact proportions: sigmoid(ln 3) = 3/4 and sigmoid(2 ln 3) = 9/10.
DIFFERENCES = np.array([1.0] * 3 + [-1.0] + [2.0] * 9 + [-2.0])
POOL = pd.DataFrame({"prompt_id": list("aaabbb"), "proxy_raw": [1.0, 2.0, 3.0, 10.0, 10.0, 16.0]})


def test_a_known_scale_is_recovered():
    assert calibration_scale(DIFFERENCES) == pytest.approx(math.log(3), rel=1e-9)


def test_a_sampled_scale_is_recovered_within_its_error():
    rng, c = np.random.default_rng(0), 0.37
    x = rng.normal(0, 4, 40_000)
    chosen_first = np.where(rng.random(len(x)) < 1 / (1 + np.exp(-c * x)), x, -x)
    p = 1 / (1 + np.exp(-c * x))
    error = 1 / math.sqrt((x**2 * p * (1 - p)).sum())  # inverse Fisher information
    assert abs(calibration_scale(chosen_first) - c) < 4 * error


@pytest.mark.parametrize("factor", [1e-6, 0.5, 3.0, 1e6])
def test_a_scaled_model_gets_the_inverse_scale(factor):
    assert calibration_scale(factor * DIFFERENCES) * factor == pytest.approx(math.log(3), rel=1e-8)


def test_the_scale_minimises_the_cross_entropy():
    c = calibration_scale(DIFFERENCES)
    assert label_ce(c, DIFFERENCES) < min(label_ce(0.99 * c, DIFFERENCES), label_ce(1.01 * c, DIFFERENCES))
    want = -np.mean(np.log(1 / (1 + np.exp(-c * DIFFERENCES))))
    assert label_ce(c, DIFFERENCES) == pytest.approx(want, rel=1e-12)
    assert label_ce(0.0, DIFFERENCES) == pytest.approx(math.log(2))
    assert label_ce(1.0, np.array([-1e4])) == pytest.approx(1e4)  # no overflow


def test_a_backward_model_gets_a_negative_scale_and_a_silent_one_zero():
    assert calibration_scale(-DIFFERENCES) == pytest.approx(-math.log(3), rel=1e-9)
    assert calibration_scale(np.zeros(4)) == 0.0


@pytest.mark.parametrize("sign", [1, -1])
def test_separated_labels_have_no_finite_scale(sign):
    with pytest.raises(ValueError, match="separated"):
        calibration_scale(sign * np.array([0.5, 2.0, 0.0]))


def test_within_prompt_sd_by_hand():
    # squares about each mean: a 1 + 0 + 1, b 4 + 4 + 16; four degrees of freedom
    sd = within_prompt_sd(POOL["proxy_raw"].to_numpy(), POOL["prompt_id"].to_numpy(str))
    assert sd == pytest.approx(math.sqrt(26 / 4))


def test_a_prompt_with_a_single_sample_adds_nothing_to_the_sd():
    assert within_prompt_sd(np.array([0.0, 2.0, 50.0]), np.array(["a", "a", "b"])) == pytest.approx(math.sqrt(2))


def test_units_by_hand():
    units = units_from_pool(POOL, "proxy_raw", scale=3.0, gold_sd=1.5)
    got = units.standard(np.array([3.0, 12.0]), np.array(["a", "b"]))
    assert got.tolist() == pytest.approx([3 * (3 - 2) / 1.5, 0.0])
    assert units.z(np.array([3.0, 12.0]), np.array(["a", "b"])).tolist() == pytest.approx([1 / math.sqrt(6.5), 0.0])


def test_pi_ref_is_at_zero_and_gold_at_one():
    gold_sd = within_prompt_sd(POOL["proxy_raw"].to_numpy(), POOL["prompt_id"].to_numpy(str))
    units = units_from_pool(POOL, "proxy_raw", scale=1.5 / gold_sd, gold_sd=1.5)
    z = units.standard(POOL["proxy_raw"].to_numpy(), POOL["prompt_id"].to_numpy(str))
    assert pd.Series(z).groupby(POOL["prompt_id"]).mean().abs().max() < 1e-12
    assert within_prompt_sd(z, POOL["prompt_id"].to_numpy(str)) == pytest.approx(1.0)


@pytest.mark.parametrize(("offsets", "factor"), [((0, 0), 7.0), ((100, -3), 1.0), ((5, 9), 0.01)])
def test_an_offset_per_prompt_and_a_scale_change_no_unit(offsets, factor):
    ids = POOL["prompt_id"].to_numpy(str)
    offset = np.where(ids == "a", *offsets)

    def z(transform):
        table = POOL.assign(proxy_raw=transform(POOL["proxy_raw"].to_numpy()))
        scale = calibration_scale(DIFFERENCES * (transform(np.ones(6)) - transform(np.zeros(6)))[0])
        units = units_from_pool(table, "proxy_raw", scale, 1.5)
        new = transform(np.arange(6.0))
        return np.concatenate([units.standard(new, ids), units.z(new, ids)])

    np.testing.assert_allclose(z(lambda raw: factor * raw + offset), z(lambda raw: raw), rtol=1e-8, atol=1e-10)


def test_a_scorer_that_says_one_thing_has_no_spread_of_its_own():
    units = Units(scale=1.0, centre={"a": 2.0}, gold_sd=1.5, own_sd=0.0)
    assert np.isnan(units.z(np.array([2.0]), np.array(["a"]))).all()


def test_within_prompt_correlation_forgets_differences_between_prompts():
    # Within each prompt rubric = -gold; between prompts both rise.
    table = pd.DataFrame({"prompt_id": list("aabb"), "gold": [0.0, 1.0, 10.0, 11.0], "rubric": [1.0, 0.0, 11.0, 10.0]})
    assert within_prompt_corr(table, "gold", "rubric") == pytest.approx(-1.0)
    assert np.corrcoef(table["gold"], table["rubric"])[0, 1] > 0.9


def test_within_prompt_correlation_by_hand():
    # a: gold -1 0 1, rubric -1 1 0 about their means: products 1 + 0 + 0, squares 2 and 2
    table = pd.DataFrame({"prompt_id": list("aaa"), "gold": [1.0, 2.0, 3.0], "rubric": [4.0, 6.0, 5.0]})
    assert within_prompt_corr(table, "gold", "rubric") == pytest.approx(0.5)
    assert math.isnan(within_prompt_corr(table.assign(rubric=1.0), "gold", "rubric"))


def test_unstandard_is_the_inverse_of_standard_by_hand():
    # 2 logits a raw unit, gold's sd 1.5 logits, centre 10: raw 13 is 3 * 2 / 1.5 = 4 sds above pi_ref
    reward = Reward(lambda rows: rows, Units(scale=2.0, centre={"a": 10.0}, gold_sd=1.5, own_sd=1.0))
    ids = np.array(["a"])
    assert reward.standard(np.array([13.0]), ids) == pytest.approx([4.0])
    assert reward.unstandard(np.array([4.0]), ids) == pytest.approx([13.0])

import math

import numpy as np
import pandas as pd
import pytest
import torch
import toy_lm
import toy_methods

from bench.core.records import ROW_COLUMNS, SAMPLE_COLUMNS, frame
from bench.core.types import Pairs
from bench.lm.logprobs import batched_sequence_logps
from bench.measure.evaluate import Protocol, clustered, draw, evaluate, probe_columns, row_of
from bench.measure.scoring import Scoring, win_rate
from bench.rewards.base import Reward, RubricUnits
from bench.rewards.units import Units

PROMPTS = pd.DataFrame(
    {"split": ["select", "report", "report"], "prompt_id": ["s", "a", "b"], "prompt": ["red", "two", "blue one"]}
)


def table():
    """Two report prompts with two samples each, one select prompt with one."""
    rows = {
        "split": ["report"] * 4 + ["select"],
        "prompt_id": ["a", "a", "b", "b", "s"],
        "kl": [1.0, 3.0, 5.0, 7.0, 9.0],
        "logratio": [0.0, 2.0, 8.0, 6.0, 9.0],
        "gold": [1.0, 2.0, 3.0, 6.0, -4.0],
        "gold_raw": [10.0, 20.0, 30.0, 60.0, -40.0],
        "proxy": [0.0, 0.0, 1.0, 1.0, -3.0],
        "proxy_raw": [5.0, 5.0, 6.0, 6.0, 2.0],
        "proxy_z": [0.0, 0.0, 2.0, 2.0, -6.0],
        "rubric": [2.0, 1.0, 1.0, 4.0, 0.0],
        "rubric_fact": [1.0, 1.0, 0.0, 2.0, 0.0],
        "win": [0.5, 1.0, 0.0, 0.5, 1.0],
        "n_tokens": [2, 2, 4, 8, 100],
        "entropy": [1.0, 2.0, 3.0, 6.0, 50.0],
        "response": ["x y", "x y", "x y x y", "a a a a a", "z z"],
        "eos": [True, True, True, False, True],
    }
    return pd.DataFrame(rows)


def test_a_row_by_hand():
    row = row_of(table())
    want = {
        "n_prompts": 2,
        "kl": 4.0,  # prompt means 2 and 6; their standard error is |6 - 2| / 2
        "kl_se": 2.0,
        "kl_k1": 4.0,  # 1 and 7
        "kl_k1_se": 3.0,
        "gold": 3.0,  # 1.5 and 4.5
        "gold_se": 1.5,
        "gold_raw": 30.0,
        "proxy": 0.5,
        "proxy_se": 0.5,
        "proxy_raw": 5.5,
        "proxy_z": 1.0,
        "rubric": 2.0,  # 1.5 and 2.5
        "rubric_se": 0.5,
        "rubric_fact": 1.0,
        "win_rate": 0.5,  # .75 and .25
        "win_rate_se": 0.25,
        "kl_per_token": 16 / 16,  # nats over tokens, not a mean of ratios
        # gold about its prompt: -.5 .5 -1.5 1.5; rubric .5 -.5 -1.5 1.5: products 4, squares 5 and 5
        "gold_rubric_corr": 0.8,
        "kl_select": 9.0,
        "gold_select": -4.0,
        "proxy_select": -3.0,
        "length": 4.0,
        "repetition": (2 / 3) / 4,  # a a a a a: two of three trigrams came before
        "distinct2": 3 / 9,  # xy, yx, aa of 1 + 1 + 3 + 4
        "entropy": 3.0,
        "eos_rate": 0.75,
        "truncated_rate": 0.25,
    }
    assert row.keys() == want.keys()
    assert {k: row[k] for k in want} == pytest.approx(want, abs=1e-12)


def test_select_prompts_touch_no_main_column():
    other = table()
    other.loc[other["split"] == "select", ["kl", "gold", "proxy", "rubric", "win", "n_tokens", "entropy"]] = 77.0
    a, b = row_of(table()), row_of(other)
    assert {k for k in a if a[k] != b[k]} == {"kl_select", "gold_select", "proxy_select"}


def test_a_single_prompt_has_no_standard_error():
    assert math.isnan(clustered(table().head(2), "gold")[1])


def test_the_clustered_error_covers_prompts_not_samples():
    # Each prompt's samples are copies: fifty of them say no more than one.
    means = np.random.default_rng(0).normal(size=40)
    few = pd.DataFrame({"prompt_id": [str(i) for i in range(40)], "x": means})
    many = few.loc[few.index.repeat(50)].reset_index(drop=True)
    assert clustered(many, "x") == pytest.approx(clustered(few, "x"))
    assert clustered(few, "x")[1] == pytest.approx(means.std(ddof=1) / math.sqrt(40))


def test_win_rate_by_hand():
    pool = np.array([0.0, 1.0, 1.0, 2.0])
    assert win_rate(1.0, pool) == (1 + 0.5 + 0.5) / 4
    assert win_rate(1.0 + 1e-6, pool) == win_rate(1.0, pool)  # float32 noise between batches of one text
    assert win_rate(1.001, pool) == 3 / 4
    assert (win_rate(-5.0, pool), win_rate(5.0, pool)) == (0.0, 1.0)
    assert np.mean([win_rate(score, pool) for score in pool]) == 0.5  # a policy against itself


def rubric(prompts, responses):
    words = [len(r.split()) for r in responses]
    return pd.DataFrame({"length": np.array(words, float), "polite": [float("red" in r) for r in responses]})


def scoring(**changes):
    units = Units(scale=2.0, centre={"a": 1.0, "b": 0.0, "s": 0.0}, gold_sd=1.5, own_sd=0.5)
    given = {
        "gold": Reward(lambda rows: rows.lengths.double(), units),
        "proxy": Reward(lambda rows: 3.0 * rows.lengths.double(), units),
        "rubric": rubric,
        "rubric_units": RubricUnits(
            pd.DataFrame({"length": [1.0, 0.0, 0.0], "polite": 0.0}, index=["a", "b", "s"]), 2.0
        ),
        "pool": {p: np.arange(5.0) for p in "abs"},
    }
    return Scoring(**(given | changes))


def protocol(prompts=PROMPTS, times=3):
    reference = toy_methods.policy()
    probes = toy_methods.pairs(reference)
    return Protocol(toy_lm.tokenizer(), prompts, times, 8, reference, probes, "cpu")


def test_samples_are_standardised_and_judged_one_by_one():
    samples = draw(toy_methods.policy(1), protocol(), scoring(), seed=0, step=4)
    assert samples["prompt_id"].tolist() == ["s"] * 3 + ["a"] * 3 + ["b"] * 3
    for _, row in samples.iterrows():
        n, centre = row["n_tokens"], 1.0 if row["prompt_id"] == "a" else 0.0
        assert n == len(row["response"].split()) + row["eos"]
        assert (row["gold_raw"], row["proxy_raw"]) == (n, 3 * n)
        assert row["gold"] == pytest.approx(2 * (n - centre) / 1.5)
        assert row["proxy"] == pytest.approx(2 * (3 * n - centre) / 1.5)
        assert row["proxy_z"] == pytest.approx((3 * n - centre) / 0.5)
        words = len(row["response"].split())
        assert row["rubric_length"] == pytest.approx((words - centre) / 2)
        assert row["rubric"] == pytest.approx(row["rubric_length"] + row["rubric_polite"])
        assert row["win"] == win_rate(float(n), np.arange(5.0))


def test_a_measurement_is_a_function_of_policy_seed_and_step():
    def texts(*at):
        return draw(toy_methods.policy(1), protocol(times=20), scoring(), *at)["response"].tolist()

    assert texts(0, 4) == texts(0, 4)
    assert len({tuple(texts(*at)) for at in ((0, 4), (0, 5), (1, 4))}) == 3


def test_measuring_takes_nothing_from_the_global_generator():
    before = torch.get_rng_state()
    evaluate(toy_methods.policy(1), protocol(), scoring(), 0, 0, 0.1)
    assert torch.equal(torch.get_rng_state(), before)


def test_pi_ref_is_at_zero_everywhere_it_should_be():
    gold = Reward(lambda rows: torch.ones(len(rows), dtype=torch.float64), scoring().gold.units)
    same = scoring(gold=gold, pool={p: np.ones(5) for p in "abs"})
    row, _ = evaluate(toy_methods.policy(), protocol(), same, 0, 0, 0.1)
    for name in ("kl", "kl_k1", "kl_select", "chosen_logratio", "rejected_logratio", "implicit_reward"):
        assert row[name] == pytest.approx(0.0, abs=1e-5)  # float32 log-probs of some tens of nats in other batches
    assert row["win_rate"] == 0.5


def test_rows_and_samples_fit_the_contract():
    row, samples = evaluate(toy_methods.policy(1), protocol(), scoring(), 0, 3, 0.1)
    assert frame([row], ROW_COLUMNS).loc[0, "kl"] == row["kl"]
    kept = samples.drop(columns=["gold_raw", "proxy_raw", "proxy_z", "win", "entropy"])
    frame(kept.assign(row_id="x@3"), SAMPLE_COLUMNS)


def test_probes_by_hand():
    policy, probes = toy_methods.policy(1), protocol().probes
    now = [batched_sequence_logps(policy, side) for side in (probes.chosen, probes.rejected)]
    chosen, rejected = (now[0] - probes.ref_chosen_B).double(), (now[1] - probes.ref_rejected_B).double()
    got = probe_columns(policy, probes, 0.2)
    # Float32 log-probs of some tens of nats, in other batches.
    assert got["chosen_logratio"] == pytest.approx(chosen.mean().item(), abs=1e-5)
    assert got["implicit_reward"] == pytest.approx(0.2 * (chosen - rejected).mean().item(), abs=1e-5)
    assert got["pair_accuracy"] == (chosen > rejected).double().mean().item()


def test_equal_sides_are_half_right_and_no_beta_means_no_implicit_reward():
    probes = protocol().probes
    equal = Pairs(probes.chosen, probes.chosen, probes.ref_chosen_B, probes.ref_chosen_B)
    got = probe_columns(toy_methods.policy(1), equal, None)
    assert got["pair_accuracy"] == 0.5
    assert got["implicit_reward"] is None

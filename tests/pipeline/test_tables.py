"""The pieces of stages that turn tables into tables: pairs, text ids, headroom, the proxy's audit, readers."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
import toy_lm

from bench.checks.estimators import world as tab
from bench.core.records import write_parquet
from bench.pipeline.artifacts.pairs import label_noise, pairs_of
from bench.pipeline.artifacts.world import WorldArtifact
from bench.pipeline.measure import nulls
from bench.pipeline.pairs import arrange
from bench.pipeline.pool import headroom, text_ids
from bench.pipeline.proxy import audit, permuted
from bench.rewards.base import Reward
from bench.rewards.units import Units
from gold.labels import Labels

PROMPTS = pd.DataFrame({"split": "pairs", "prompt_id": ["p", "q"], "prompt": ["red", "two blue"]})
DRAWN = pd.DataFrame(
    {
        "response": ["one", "two", "blue", ""],
        "eos": [True, False, True, True],
        "gold_raw": [1.0, -2.0, 0.5, 3.0],
        "logp": [-1.5, -2.5, -3.5, -0.5],
    }
)


def arranged(first=(True, False), flipped=(False, True)):
    labels = Labels(np.array(first), np.array([0.9, 0.3]), np.array(flipped))
    return arrange(PROMPTS, DRAWN, labels, scale=2.0)


def test_pairs_follow_their_labels():
    want = {
        "prompt_id": ["p", "q"],
        "prompt": ["red", "two blue"],
        "chosen": ["one", ""],
        "chosen_eos": [True, True],
        "gold_chosen_logits": [2.0, 6.0],  # in logits: scale 2
        "ref_chosen_logp": [-1.5, -0.5],
        "rejected": ["two", "blue"],
        "rejected_eos": [False, True],
        "gold_rejected_logits": [-4.0, 1.0],
        "ref_rejected_logp": [-2.5, -3.5],
        "p_chosen": [0.9, 0.7],
        "flipped": [False, True],
    }
    assert {name: column.tolist() for name, column in arranged().items()} == want


def test_label_noise_is_golds_disagreement_with_the_labels():
    assert label_noise(arranged()) == 0.0
    assert label_noise(arranged(first=(True, True))) == 0.5
    assert label_noise(arranged(first=(False, True))) == 1.0


def test_pairs_become_tensors_with_their_log_probs():
    table = arranged().assign(ref_chosen_logp=[-1.5, -2.5], ref_rejected_logp=[-3.0, -4.0])
    pairs = pairs_of(table, toy_lm.tokenizer(), "cpu")
    assert [tab.read_response(pairs.chosen, i) for i in range(2)] == [(8, 3), (3,)]
    assert [tab.read_response(pairs.rejected, i) for i in range(2)] == [(9,), (7, 3)]  # `two` was cut: no EOS
    assert pairs.ref_chosen_B.tolist() == [-1.5, -2.5]
    assert pairs.ref_rejected_B.tolist() == [-3.0, -4.0]


def test_permuted_labels_are_fair_coins_that_swap_whole_sides():
    n = 4000
    table = pd.DataFrame({"chosen": [f"c{i}" for i in range(n)], "rejected": [f"r{i}" for i in range(n)]})
    table = table.assign(chosen_eos=True, rejected_eos=False, ref_chosen_logp=-1.0, ref_rejected_logp=-2.0)
    new = permuted(table, np.random.default_rng(0))
    swapped = new["chosen"].str.startswith("r").to_numpy()
    assert abs(swapped.mean() - 0.5) < 4 * 0.5 / math.sqrt(n)
    assert (new["chosen_eos"].to_numpy() == ~swapped).all()
    assert (new["ref_chosen_logp"].to_numpy() == np.where(swapped, -2.0, -1.0)).all()
    assert (new["rejected"].str[1:] == new["chosen"].str[1:]).all()
    assert (new["rejected"].str.startswith("c").to_numpy() == swapped).all()
    assert table["chosen"].str.startswith("c").all()  # the given table is left as it was


def test_equal_texts_of_a_prompt_share_an_id_unless_one_was_cut():
    pool = pd.DataFrame(
        {
            "prompt_id": ["p", "p", "p", "q", "p", "q"],
            "response": ["a b", "c", "a b", "a b", "a b", "c"],
            "eos": [True, True, True, True, False, True],
        }
    )
    assert text_ids(pool).tolist() == ["p-0", "p-1", "p-0", "q-0", "p-2", "q-1"]


def test_headroom_by_hand():
    # Report prompt a: 64 samples, one at 6.4 and the rest at 0: the mean is .1, the best of all 64 is 6.4.
    gold = np.zeros(64)
    gold[10] = 6.4
    tables = [
        pd.DataFrame({"split": "report", "prompt_id": p, "gold_raw": gold + shift})
        for p, shift in zip("ab", (0, 9), strict=True)
    ]
    pool = pd.concat([*tables, pd.DataFrame({"split": "select", "prompt_id": "s", "gold_raw": [1e6, 0.0]})])
    sd = gold.std(ddof=1)
    got = headroom(pool.reset_index(drop=True))
    assert got["best_of_64_gain"] == pytest.approx((6.4 - 0.1) / sd)
    assert got["best_of_1024_gain"] is None
    assert got["near_max_share"] == pytest.approx(1 / 64)


def test_the_audit_by_hand():
    held_out = pd.DataFrame({"gold_chosen_logits": [1.0, 0.0, 2.0, 1.0], "gold_rejected_logits": [0.0, 0.0, 3.0, 0.0]})
    difference = np.array([math.log(3)] * 3 + [-math.log(3)])  # in logits: 3/4 confident, right three times of four
    got = audit(difference, 1.0, held_out)
    assert got["held_out_accuracy"] == 0.75
    assert got["gold_accuracy"] == (1 + 0.5 + 0 + 1) / 4
    assert got["held_out_ce"] == pytest.approx(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)))
    assert got["calibration_error"] == pytest.approx(0.0, abs=1e-12)
    confident = audit(10 * difference, 1.0, held_out)  # nearly sure, right three times of four
    assert confident["calibration_error"] == pytest.approx(0.25, abs=1e-4)


def test_the_optimised_reward_is_the_proxy_in_logits_with_pi_ref_at_zero():
    pool = pd.DataFrame({"prompt_id": list("aabb"), "proxy_raw": [1.0, 3.0, 5.0, 7.0]})

    def raw(rows):
        return rows.lengths.double()

    reward = Reward(raw, Units(0.5, {}, 1.5, 1.0)).logits(pool["proxy_raw"].mean())
    rows = tab.sequences((2,), [(1,), (2, 3, 1)])
    assert reward(rows).tolist() == pytest.approx([0.5 * (1 - 4), 0.5 * (3 - 4)])
    assert torch.equal(
        reward(rows)[1] - reward(rows)[0], torch.tensor(1.0, dtype=torch.float64)
    )  # beta keeps its meaning


def test_prompts_are_a_prefix_of_their_split(tmp_path):
    table = pd.DataFrame({"split": ["rl", "report", "rl"], "prompt_id": ["a", "b", "c"], "prompt": ["x", "y", "z"]})
    write_parquet(table, tmp_path / "prompts.parquet")
    assert WorldArtifact(tmp_path).prompts("rl")["prompt"].tolist() == ["x", "z"]
    assert WorldArtifact(tmp_path).prompts("rl", 1)["prompt"].tolist() == ["x"]
    assert WorldArtifact(tmp_path).prompts("report")["prompt_id"].tolist() == ["b"]
    with pytest.raises(ValueError, match=r"split .rl. has 2 prompts, 3 are needed; raise world\.splits\.rl to 3"):
        WorldArtifact(tmp_path).prompts("rl", 3)


def test_a_stored_tokenizer_spells_the_same(tmp_path):
    tokenizer = toy_lm.tokenizer()
    tokenizer.save_pretrained(tmp_path)
    again = WorldArtifact(tmp_path).tokenizer()
    marks = ("pad_token_id", "bos_token_id", "sep_token_id", "eos_token_id", "unk_token_id")
    assert [getattr(again, m) for m in marks] == [getattr(tokenizer, m) for m in marks]
    assert again("red two zebra")["input_ids"] == tokenizer("red two zebra")["input_ids"] == [5, 9, 4]


def test_rows_with_nan_become_json_with_null():
    assert nulls({"kl": math.nan, "gold": 1.0, "reason": "x"}) == {"kl": None, "gold": 1.0, "reason": "x"}

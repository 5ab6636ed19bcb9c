"""Symptom: pairs whose sides are the same text, once cut at T, are labelled by a coin and trained on."""

import numpy as np
import pandas as pd
import pytest
import torch
import toy_artifacts
import toy_lm

from bench.checks.estimators import world as tab
from bench.core.records import read_parquet
from bench.core.seeds import stream
from bench.core.types import Counts, Pairs
from bench.errors import GateError
from bench.lm.policy import load_policy
from bench.losses.preference import Preference
from bench.pipeline import pairs as stage
from bench.pipeline.artifacts.pairs import pairs_of
from bench.samplers.replay import Replay


def table(sides, split="train"):
    """Pairs of texts, each with whether it ended."""
    return pd.DataFrame(
        {
            "prompt": ["red"] * len(sides),
            "chosen": [one for (one, _), _ in sides],
            "chosen_eos": [end for (_, end), _ in sides],
            "rejected": [other for _, (other, _) in sides],
            "rejected_eos": [end for _, (_, end) in sides],
            "split": split,
        }
    )


SIDES = [
    (("one two", True), ("one two", True)),  # equal
    (("one two", False), ("one two", False)),  # equal as cut
    (("one two", True), ("one two", False)),  # the end is a token
    (("one two", True), ("two one", True)),
    (("one", True), ("one two", True)),
]


def test_the_stage_drops_and_counts_by_split():
    both = pd.concat([table(SIDES), table(SIDES[1:], "held_out")], ignore_index=True)
    kept, dropped = stage.without_equal(both)
    assert dropped == {"train": 2, "held_out": 1}
    assert kept["split"].value_counts().to_dict() == {"train": 3, "held_out": 3}
    assert list(kept.index) == list(range(6))
    # what is kept stands in its order
    want = both.drop(index=[0, 1, 5]).reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, want)


def test_a_split_of_equal_pairs_alone_stops_the_run():
    both = pd.concat([table(SIDES), table(SIDES[:2], "held_out")], ignore_index=True)
    with pytest.raises(GateError, match=r"all 2 pairs of the split 'held_out'.*sft.max_new_tokens"):
        stage.without_equal(both)


def test_a_pair_is_equal_by_its_tokens_whatever_stands_in_its_padding():
    rows = table(SIDES)
    logps = {f"ref_{side}_logp": 0.0 for side in ("chosen", "rejected")}
    pairs = pairs_of(rows.assign(**logps), toy_lm.tokenizer(), "cpu")
    assert pairs.equal_B.tolist() == [True, True, False, False, False]
    wide = Pairs(toy_lm.padded(pairs.chosen, 0, 3, junk=5), pairs.rejected, pairs.ref_chosen_B, pairs.ref_rejected_B)
    assert wide.equal_B.tolist() == [True, True, False, False, False]


@pytest.fixture(scope="module")
def sharp(tmp_path_factory):
    """A plan and folders whose pi_ref prefers few tokens, so that responses of one or two tokens collide."""
    root = tmp_path_factory.mktemp("sharp")
    plan, folders = toy_artifacts.build(root)
    policy = load_policy(folders["sft"], "cpu")
    with torch.no_grad():
        policy.model.get_output_embeddings().weight *= 5
    policy.save(root / "sharp")
    return plan, folders | {"sft": root / "sharp"}


@pytest.mark.parametrize("T", [1, 2])
def test_the_artifact_holds_no_equal_pair_and_the_metrics_count_them(sharp, tmp_path, T):
    plan, folders = sharp
    metrics = toy_artifacts.run_stage(plan, "pairs/r0", folders, tmp_path / "cut", max_new_tokens=T)
    kept = read_parquet(tmp_path / "cut" / "pairs.parquet")
    assert not ((kept["chosen"] == kept["rejected"]) & (kept["chosen_eos"] == kept["rejected_eos"])).any()
    sizes = kept["split"].value_counts()
    assert metrics["equal_pairs"] > 0
    assert (sizes["train"], sizes["held_out"]) == (32 - metrics["equal_pairs"], 16 - metrics["equal_held_out"])
    assert metrics["pairs"] == sizes["train"]


def fresh():
    """Five pairs of a tabular pi_ref, of which rows 0 and 3 have equal sides."""
    one = tab.sequences((2,), [(1,), (2, 3, 0), (3, 1), (0, 2, 1), (2, 1)])
    other = tab.sequences((2,), [(1,), (2, 3, 1), (2, 1), (0, 2, 1), (3, 3, 3)])
    ref = torch.arange(5, dtype=torch.float64)
    return Pairs(one, other, -ref - 1, -ref - 2)


def test_a_preference_loss_reads_only_pairs_that_differ():
    policy, loss, pairs = tab.TabularPolicy(1), Preference("logistic", 0.3), fresh()
    (part,) = loss.minibatches(policy, pairs, stream("x"))
    assert torch.equal(part.ref_chosen_B, pairs.ref_chosen_B[[1, 2, 4]])
    whole = torch.autograd.grad(loss(policy, part)[0], policy.logits)[0]
    alone = torch.autograd.grad(loss(policy, pairs[torch.tensor([1, 2, 4])])[0], policy.logits)[0]
    assert torch.equal(whole, alone)


def test_a_batch_that_has_no_equal_pair_is_left_as_it_is():
    pairs = fresh()[torch.tensor([1, 2, 4])]
    (part,) = Preference("logistic", 0.3).minibatches(tab.TabularPolicy(1), pairs, stream("x"))
    assert part is pairs


def test_a_batch_of_equal_pairs_alone_moves_nothing():
    policy, loss = tab.TabularPolicy(1), Preference("logistic", 0.3)
    equal = fresh()[torch.tensor([0, 3])]
    (part,) = loss.minibatches(policy, equal, stream("x"))
    assert torch.autograd.grad(loss(policy, part)[0], policy.logits)[0].abs().max() < 1e-16


def test_a_replay_counts_the_equal_pairs_it_gives():
    replay, counts = Replay(fresh(), 2, "recorded", 0), Counts()
    replay.draw(tab.TabularPolicy(0), 0, counts)
    assert counts.equal_pairs == 1
    replay.draw(tab.TabularPolicy(0), 1, counts)
    assert counts.equal_pairs == 2


def test_labels_of_the_pairs_that_stay_are_those_without_a_drop(sharp, tmp_path):
    """Labels are made before the drop, so that they do not move with the number dropped."""
    plan, folders = sharp
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage, "without_equal", lambda pairs: (pairs, {"train": 0, "held_out": 0}))
        toy_artifacts.run_stage(plan, "pairs/r0", folders, tmp_path / "all", max_new_tokens=2)
    toy_artifacts.run_stage(plan, "pairs/r0", folders, tmp_path / "kept", max_new_tokens=2)
    every, kept = (read_parquet(tmp_path / name / "pairs.parquet") for name in ("all", "kept"))
    same = every[every["prompt_id"].isin(kept["prompt_id"])].reset_index(drop=True)
    assert len(kept) < len(every)
    pd.testing.assert_frame_equal(kept, same)
    assert np.array_equal(kept["p_chosen"], same["p_chosen"])

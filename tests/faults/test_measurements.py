"""What goes wrong in the numbers of one cell: a reason or a null, and the rest stands."""

import shutil

import pandas as pd
import pytest
import torch
import toy_artifacts
from toy_kill import Killed

from bench.core.records import read_parquet, write_parquet
from bench.engine.files import write_json
from bench.lm.codec import encode
from bench.lm.logprobs import batched_sequence_logps
from bench.lm.policy import TransformerPolicy, neox_config, new_lm
from bench.losses.preference import Preference
from bench.pipeline.artifacts.world import WorldArtifact
from bench.rewards.model import RewardModel

DPO, PPO, BON = "dpo-policy_sized-b0.1-r0", "ppo-policy_sized-b0.01-r0", "bon-policy_sized-r0"
PROXY, PAIRS = "proxy/policy_sized/r0", "pairs/r0"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return toy_artifacts.build(tmp_path_factory.mktemp("artifacts"))


def _with(folders, root, name):
    """The folders with a copy of one of them, to be spoiled."""
    copy = root / "copy"
    shutil.copytree(folders[name], copy)
    return {**folders, name: copy}, copy


def _rows(built, name, folder, folders=None, **changes):
    toy_artifacts.run_stage(built[0], name, folders or built[1], folder, **changes)
    return read_parquet(folder / "rows.parquet")


def test_a_loss_that_is_nan_ends_the_cell_as_diverged_with_its_good_rows(built, tmp_path, monkeypatch):
    loss = Preference.forward

    def spoiled(self, policy, batch):
        value, info = loss(self, policy, batch)
        return value * float("nan"), info

    monkeypatch.setattr(Preference, "forward", spoiled)
    rows = _rows(built, DPO, tmp_path)
    assert rows["status"].tolist() == ["ok", "diverged"]
    assert rows["reason"].iloc[1].startswith("at step 0 the loss is not finite in 1 of 1 entries (the first: nan")
    assert rows["gold"].notna().tolist() == [True, False]


def test_a_reward_that_is_nan_ends_the_cell_as_diverged(built, tmp_path, monkeypatch):
    score, calls = RewardModel.score, []

    def spoiled(self, sequences):
        calls.append(1)
        raw = score(self, sequences)
        return raw if len(calls) == 1 else raw * float("nan")  # the first is pi_ref's row

    monkeypatch.setattr(RewardModel, "score", spoiled)
    rows = _rows(built, PPO, tmp_path)
    assert rows["status"].tolist() == ["ok", "diverged"]
    assert "the reward is not finite in 8 of 8 entries (the first: nan" in rows["reason"].iloc[1]


@pytest.mark.parametrize("name", [PPO, BON])
def test_a_proxy_that_says_nothing_scores_zero_and_has_no_own_unit(built, tmp_path, monkeypatch, name):
    folders, copy = _with(built[1], tmp_path, PROXY)
    write_json(copy / "calibration.json", {"scale": 0.0, "pairs": 8})
    table = read_parquet(copy / "reference_scores.parquet")
    write_parquet(table.assign(proxy_raw=0.0), copy / "reference_scores.parquet")
    monkeypatch.setattr(RewardModel, "score", lambda self, sequences: torch.zeros(len(sequences.lengths)))
    rows = _rows(built, name, tmp_path / "cell", folders)
    assert rows["status"].eq("ok").all()
    assert rows["proxy"].eq(0).all()
    assert rows["proxy_z"].isna().all()
    assert rows["gold"].notna().all()


def test_pairs_whose_sides_are_equal_are_measured_as_such(built, tmp_path):
    """Their gradient is rounding alone, which Adam still turns into steps: what KL comes to says nothing here."""
    folders, copy = _with(built[1], tmp_path, PAIRS)
    pairs = read_parquet(copy / "pairs.parquet")
    for column in ("{}", "{}_eos", "gold_{}_logits", "ref_{}_logp"):
        pairs[column.format("rejected")] = pairs[column.format("chosen")]
    write_parquet(pairs, copy / "pairs.parquet")
    rows = _rows(built, DPO, tmp_path / "cell", folders)
    assert rows["status"].eq("ok").all()
    assert rows["pair_accuracy"].eq(0.5).all()
    assert rows["label_noise"].eq(0).all()


def test_one_prompt_has_numbers_and_no_standard_errors(built, tmp_path):
    one = {**built[0].cells[DPO].stage.config["evaluation"], "report_prompts": 1, "select_prompts": 1}
    rows = _rows(built, DPO, tmp_path, evaluation=one)
    assert rows["status"].eq("ok").all()
    assert rows["n_prompts"].eq(1).all()
    assert rows[["kl", "gold", "proxy"]].notna().all(axis=None)
    assert rows[["kl_se", "gold_se", "proxy_se", "win_rate_se"]].isna().all(axis=None)


def test_responses_that_end_at_once_are_measured(built, tmp_path, monkeypatch):
    from bench.measure import evaluate

    decode = evaluate.decode
    monkeypatch.setattr(evaluate, "decode", lambda ids, drawn: ([""] * len(drawn.lengths), decode(ids, drawn)[1]))
    rows = _rows(built, DPO, tmp_path)
    assert rows["status"].eq("ok").all()
    assert rows["repetition"].eq(0).all()
    assert rows["distinct2"].isna().all()


def test_a_cell_killed_while_it_tidies_up_ends_with_the_same_rows(built, tmp_path, monkeypatch):
    """After its last checkpoint is removed, before its folder is published."""
    want = _rows(built, DPO, tmp_path / "unbroken")
    remove = shutil.rmtree

    def dies(path, **options):
        remove(path, **options)
        if (path.parent / "log.jsonl").exists():  # written last: what is removed now is the last checkpoint
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", dies)
        with pytest.raises(Killed):
            _rows(built, DPO, tmp_path / "killed")
    pd.testing.assert_frame_equal(_rows(built, DPO, tmp_path / "killed"), want)


def test_an_n_above_the_pool_says_what_to_raise(built, tmp_path):
    with pytest.raises(ValueError, match=r"n = 64 is more than the pool's 32 .* raise pool\.samples_per_prompt"):
        _rows(built, BON, tmp_path, n=[1, 64])


def test_a_text_longer_than_the_models_positions_is_read_whole(built):
    """NeoX has no table of positions, so a model that was built for 4 reads as one that was built for 512."""
    tokenizer = WorldArtifact(built[1]["world"]).tokenizer()
    prompts = WorldArtifact(built[1]["world"]).prompts("report")["prompt"].tolist()
    rows = encode(tokenizer, prompts, prompts, [True] * len(prompts))
    short, long = (
        TransformerPolicy(new_lm(neox_config(toy_artifacts.SIZE, tokenizer, positions), 0)) for positions in (4, 512)
    )
    assert torch.equal(batched_sequence_logps(short, rows), batched_sequence_logps(long, rows))

"""Real stages over random models: what they write, and that a killed cell ends as an unkilled one."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import toy_artifacts
from toy_kill import contents, killed_at

from bench.core.records import read_parquet
from bench.engine.files import read_json
from bench.lm.codec import encode
from bench.lm.logprobs import batched_sequence_logps
from bench.lm.policy import load_policy
from bench.measure.scoring import win_rate
from bench.pipeline import reference
from bench.pipeline.artifacts.world import WorldArtifact
from bench.rewards.units import within_prompt_sd
from gold.model import rubric_score, rubric_table
from gold.rubric import NotesRubric

CELLS = ("ppo-policy_sized-b0.01-r0", "dpo-policy_sized-b0.1-r0")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return toy_artifacts.build(tmp_path_factory.mktemp("artifacts"))


@pytest.fixture(scope="module")
def unbroken(built, tmp_path_factory):
    """Each cell's folder, run without a break."""
    folders = {name: tmp_path_factory.mktemp(name) for name in CELLS}
    for name, folder in folders.items():
        toy_artifacts.run_stage(built[0], name, built[1], folder)
    return folders


def reread(folders, table, response, ended):
    tokenizer = WorldArtifact(folders["world"]).tokenizer()
    rows = encode(tokenizer, table["prompt"].tolist(), table[response].tolist(), table[ended].tolist())
    return batched_sequence_logps(load_policy(folders["sft"], "cpu"), rows, 1).double().numpy()


def test_golds_unit_comes_from_prompts_that_nothing_is_measured_on(built):
    _, folders = built
    pool, units = read_parquet(folders["units"] / "samples.parquet"), read_json(folders["units"] / "units.json")
    assert set(pool["split"]) == {"rl"}
    measured = read_parquet(folders["reference"] / "samples.parquet")
    assert set(measured["split"]) == {"select", "report"}
    assert not set(pool["prompt_id"]) & set(measured["prompt_id"])
    logits = units["gold_scale"] * pool["gold_raw"].to_numpy(float)
    assert within_prompt_sd(logits, pool["prompt_id"].to_numpy(str)) == pytest.approx(1.5)
    parts = rubric_table(NotesRubric(), pool["prompt"].tolist(), pool["response"].tolist())
    np.testing.assert_allclose(pool["rubric_raw"], parts.sum(axis=1), atol=1e-12)
    assert pool.groupby("prompt_id").size().eq(8).all()


def test_gold_is_gated_by_the_rubric_it_was_taught(built, tmp_path, monkeypatch):
    """Gold is the writers' rubric itself, so by that its correlation is 1; by the users' it is less."""
    plan, folders = built
    weights = {"form": 0.0, "structure": 3.0, "facts": 0.5}
    weighted = {**folders, "gold": tmp_path / "gold"}
    toy_artifacts.run_stage(plan, "gold", weighted, weighted["gold"], gold={"type": "rubric", "weights": weights})
    metrics = toy_artifacts.run_stage(plan, "units", weighted, tmp_path / "units")
    pool = read_parquet(tmp_path / "units" / "samples.parquet")
    parts = pool.filter(regex="^rubric_raw_")
    writers = sum(weights.get(c.removeprefix("rubric_raw_"), 1.0) * parts[c] for c in parts)
    by_prompt = writers.to_numpy(float).reshape(-1, 8)
    assert metrics["writers_sd"] == pytest.approx(np.sqrt(by_prompt.var(axis=1, ddof=1).mean()))
    users = pool["rubric_raw"].to_numpy(float).reshape(-1, 8)
    a, b = (scores - scores.mean(axis=1, keepdims=True) for scores in (by_prompt, users))
    expected = (a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum())
    assert expected < 0.99
    assert metrics["gold_rubric_corr"] == pytest.approx(expected)
    assert metrics["writers_rubric_corr"] == pytest.approx(expected)
    assert metrics["gold_writers_corr"] == pytest.approx(1.0)

    gate = replace(plan.stages["units"].gate, least=0.999)
    assert gate.reason(metrics) is None
    monkeypatch.setattr(
        reference, "load_gold", lambda folder, tokenizer, device, rubric: rubric_score(rubric({}), tokenizer)
    )
    by_users = toy_artifacts.run_stage(plan, "units", weighted, tmp_path / "again")
    reason = gate.reason(by_users)
    assert reason.startswith("gold follows its rubric too little")
    assert f"gold_writers_corr is {expected:.3f}, needed 0.999" in reason


def test_without_weights_nothing_is_told_of_writers(built, tmp_path):
    plan, folders = built
    metrics = toy_artifacts.run_stage(plan, "reference", folders, tmp_path)
    assert metrics["gold_rubric_corr"] == pytest.approx(1.0)
    assert not any("writers" in name for name in metrics)


def test_stored_log_probs_are_pi_refs_of_the_stored_text(built):
    _, folders = built
    pairs = read_parquet(folders["pairs/r0"] / "pairs.parquet")
    pool = read_parquet(folders["reference"] / "samples.parquet")
    # Float32, batches of one against batches of hundreds: 1e-6 relative on some 30 nats.
    for side in ("chosen", "rejected"):
        got = reread(folders, pairs, side, f"{side}_eos")
        np.testing.assert_allclose(pairs[f"ref_{side}_logp"], got, atol=1e-4)
    np.testing.assert_allclose(pool["logp"], reread(folders, pool, "response", "eos"), atol=1e-4)


def test_splits_of_pairs_are_disjoint_in_prompts(built):
    pairs = read_parquet(built[1]["pairs/r0"] / "pairs.parquet")
    assert pairs["prompt_id"].is_unique
    assert pairs["split"].value_counts().to_dict() == {"train": 32, "held_out": 16}


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_starts_at_pi_ref_and_moves_away(unbroken, name):
    rows = read_parquet(unbroken[name] / "rows.parquet")
    assert rows["status"].eq("ok").all()
    assert rows["step"].is_monotonic_increasing
    assert rows["kl"].iloc[0] == pytest.approx(0, abs=1e-6)
    assert rows["kl"].iloc[-1] > 0.005
    assert len(rows) > 2
    assert rows["row_id"].tolist() == [str(step) for step in rows["step"]]


@pytest.mark.parametrize("name", CELLS)
def test_only_what_the_contract_names_is_left(unbroken, name):
    training = unbroken[name] / "train"
    assert {p.name for p in unbroken[name].iterdir()} == {"rows.parquet", "samples.parquet", "train"}
    assert {p.name for p in training.iterdir()} == {"track.json", "log.jsonl", "policies", "manifest.json"}
    steps = [json.loads(line)["step"] for line in (training / "log.jsonl").read_text().splitlines()]
    assert steps == list(range(1, len(steps) + 1))


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("at", [1, 3, 6])
def test_a_killed_cell_ends_with_the_same_bytes(built, unbroken, tmp_path, monkeypatch, name, at):
    run = partial(toy_artifacts.run_stage, built[0], name, built[1], tmp_path)
    killed_at(at, run, monkeypatch)
    run()
    want, got = contents(unbroken[name]), contents(tmp_path)
    assert want.keys() == got.keys()
    assert [k for k in want if want[k] != got[k]] == []


def test_best_of_n_rows_come_from_the_pool(built, unbroken, tmp_path):
    plan, folders = built
    toy_artifacts.run_stage(plan, "bon-policy_sized-r0", folders, tmp_path)
    rows, pool = read_parquet(tmp_path / "rows.parquet"), read_parquet(tmp_path / "bon_pool.parquet")
    assert rows["n"].tolist() == [1, 2, 4, 32]
    assert rows["kl"].isna().tolist() == [False, False, False, True]
    assert rows["kl_k1"].isna().all()
    columns = [list(read_parquet(folder / "samples.parquet").columns) for folder in (tmp_path, unbroken[CELLS[0]])]
    assert columns[0] == columns[1]
    reference = read_parquet(folders["reference"] / "samples.parquet")
    prompts = reference.loc[reference["split"] == "report", "prompt_id"].unique()[:4]
    report = pool[pool["prompt_id"].isin(prompts)]
    assert report["prompt_id"].nunique() == 4
    # n = 1: the pool's mean; n = N: the mean gold of each prompt's best by proxy
    assert rows["gold_raw"].iloc[0] == pytest.approx(report["gold_raw"].mean())
    best = report[report["proxy_raw"] == report.groupby("prompt_id")["proxy_raw"].transform("max")]
    assert rows["gold_raw"].iloc[3] == pytest.approx(best.groupby("prompt_id")["gold_raw"].mean().mean())
    golds = {p: g.to_numpy(float) for p, g in reference.groupby("prompt_id")["gold_raw"]}
    wins = [win_rate(g, golds[p]) for g, p in zip(report["gold_raw"], report["prompt_id"], strict=True)]
    assert rows["win_rate"].iloc[0] == pytest.approx(np.mean(wins))


def test_a_divergence_keeps_the_good_rows_and_adds_one_with_the_reason(built, tmp_path):
    plan, folders = built
    metrics = toy_artifacts.run_stage(plan, CELLS[0], folders, tmp_path, budgets=[1e-6])
    rows = read_parquet(tmp_path / "rows.parquet")
    assert metrics["status"] == "diverged"
    assert rows["status"].tolist() == ["ok", "diverged"]
    assert "beyond 2e-05" in rows["reason"].iloc[1]
    assert rows.loc[1, ["kl", "gold", "proxy", "win_rate"]].isna().all()
    assert rows["step"].tolist() == [0, 2]  # the rollouts of the second step show what the first has done

"""Pairs that a policy draws while it trains: kept by one cell, replayed by another; and pairs of other sources."""

from functools import partial

import pandas as pd
import pytest
import toy_artifacts
from pydantic import ValidationError
from toy_kill import contents, killed_at

from bench.config.suite import SuiteConfig
from bench.core.records import ROW_COLUMNS, named, read_parquet
from bench.core.types import stack
from bench.engine.stage import Context
from bench.lm.codec import encode
from bench.pipeline import pairs as pairs_stage
from bench.pipeline.artifacts.pairs import pairs_of, table_of_pairs
from bench.pipeline.artifacts.world import WorldArtifact
from bench.pipeline.plan import build_plan

ONLINE = {"type": "preference", "beta": [0.1], "refresh_every": 2, "steps": 9, "batch": 8, "lr": 1e-3}
REPLAY = {"type": "preference", "beta": [0.1], "replay": "online", "batch": 8, "lr": 1e-3}
SUITE = SuiteConfig.model_validate(
    {
        **toy_artifacts.SUITE.model_dump(),
        "methods": ["online", "again", "shuffled"],
        "method": {"online": ONLINE, "again": REPLAY, "shuffled": {**REPLAY, "order": "shuffled"}},
    }
)
CELLS = {name: f"{name}-policy_sized-b0.1-r0" for name in SUITE.methods}


def suite(**methods):
    return SuiteConfig.model_validate({**SUITE.model_dump(), "methods": list(methods), "method": methods})


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    root = tmp_path_factory.mktemp("artifacts")
    plan, folders = build_plan(SUITE, 1), toy_artifacts.build(root, SUITE)[1]
    for name in CELLS.values():
        toy_artifacts.run_stage(plan, name, folders, folders[f"measure/{name}"])
        folders[f"train/{name}"] = folders[f"measure/{name}"] / "train"
    return plan, folders


def training(folders, name):
    return folders[f"measure/{CELLS[name]}"] / "train"


def weights(folders, name):
    policies = folders[f"measure/{CELLS[name]}"] / "train" / "policies"
    return {f"{p.parent.name}": p.read_bytes() for p in sorted(policies.rglob("*.safetensors"))}


def test_replayed_in_order_a_run_is_the_same_run_and_shuffled_it_is_another(built):
    _, folders = built
    online, again, shuffled = (weights(folders, name) for name in CELLS)
    assert online
    assert online == again
    assert online.keys() != shuffled.keys() or all(online[step] != shuffled[step] for step in online)
    steps = {n: read_parquet(folders[f"measure/{CELLS[n]}"] / "rows.parquet")["step"].max() for n in CELLS}
    assert steps["online"] == steps["again"] == 9


def test_only_a_replayed_method_keeps_its_pairs(built):
    plan, folders = built
    kept = {name for name in CELLS if (training(folders, name) / "pairs.parquet").exists()}
    assert kept == {"online"}
    assert len(read_parquet(training(folders, "online") / "pairs.parquet")) == 9 * 8
    alone = build_plan(suite(online=ONLINE), 1).cells[CELLS["online"]].training
    assert alone.key != plan.cells[CELLS["online"]].training.key
    assert "record" not in alone.config


def test_rows_say_who_wrote_the_pairs(built):
    plan, folders = built
    tables = {
        name: named(read_parquet(folders[f"measure/{cell}"] / "rows.parquet"), plan.cells[cell].identity, ROW_COLUMNS)
        for name, cell in CELLS.items()
    }
    assert {name: rows["sampler"].unique().tolist() for name, rows in tables.items()} == {
        "again": ["replay"],
        "online": ["iterative2"],
        "shuffled": ["replay_shuffled"],
    }
    assert all((rows["method"] == name).all() for name, rows in tables.items())


@pytest.mark.parametrize("at", [1, 4, 7])
def test_killed_within_a_round_it_ends_with_the_same_bytes(built, tmp_path, monkeypatch, at):
    plan, folders = built
    run = partial(toy_artifacts.run_stage, plan, CELLS["online"], folders, tmp_path)
    killed_at(at, run, monkeypatch)
    run()
    want, got = contents(folders[f"measure/{CELLS['online']}"]), contents(tmp_path)
    assert want.keys() == got.keys()
    assert [k for k in want if want[k] != got[k]] == []


def test_pairs_come_back_from_their_table_token_for_token(built):
    _, folders = built
    words = WorldArtifact(folders["world"]).tokenizer()
    table = read_parquet(folders["pairs/r0"] / "pairs.parquet")
    first = pairs_of(table, words, "cpu")
    odd = f"{words.unk_token} {words.pad_token} {words.bos_token}"  # a policy may say these too
    again = pairs_of(table_of_pairs(first, words), words, "cpu")
    for name in ("prompt_ids", "prompt_mask", "response_ids", "response_mask"):
        assert getattr(stack(first.chosen, first.rejected), name).equal(
            getattr(stack(again.chosen, again.rejected), name)
        )
    assert first.ref_chosen_B.equal(again.ref_chosen_B)
    assert first.ref_rejected_B.equal(again.ref_rejected_B)
    said = encode(words, ["a"], [odd], [False]).response_ids[0].tolist()
    assert said == [words.unk_token_id, words.pad_token_id, words.bos_token_id]


def test_best_of_two_and_mixture_choose_by_gold(monkeypatch, tmp_path):
    prompts = pd.DataFrame({"prompt": [f"p{i}" for i in range(200)]})
    gold = [float((7 * i + 3 * k) % 4) for i in range(200) for k in range(4)]

    def drawn(context, asked, times, name, seed, score):
        table = asked.loc[asked.index.repeat(times)].reset_index(drop=True)
        return table.assign(sample=list(range(times)) * len(asked), gold_raw=gold[: len(table)])

    monkeypatch.setattr(pairs_stage, "draw_reference", drawn)
    given = Context({}, {}, tmp_path, "cpu", print)
    best = pairs_stage.draw_sides(given, prompts, "best_of_2", 0, len)
    assert best["prompt"].tolist() == [p for p in prompts["prompt"] for _ in range(2)]
    want = [max(gold[4 * i + 2 * s], gold[4 * i + 2 * s + 1]) for i in range(200) for s in range(2)]
    assert best["gold_raw"].tolist() == want
    mixed = pairs_stage.draw_sides(given, prompts, "mixture", 0, len)
    plain = mixed["sample"].to_numpy().reshape(-1, 2)
    first_of_each = (plain == [0, 2]).all(1)
    rows = mixed["gold_raw"].to_numpy().reshape(-1, 2)
    assert (rows[~first_of_each] == best["gold_raw"].to_numpy().reshape(-1, 2)[~first_of_each]).all()
    # a quarter of best-of-2 pairs are first samples too, so of a half-and-half mixture about 5 in 8 are
    assert 0.5 < first_of_each.mean() < 0.85


@pytest.mark.parametrize(
    ("methods", "part"),
    [
        (
            {"again": {**REPLAY, "replay": "dpo"}, "dpo": {"type": "preference"}},
            "draws no fresh pairs; choose",
        ),
        ({"again": {**REPLAY, "replay": "onlin"}, "online": ONLINE}, "did you mean 'online'"),
        ({"again": {**REPLAY, "beta": [0.3]}, "online": ONLINE}, "betas among 0.1"),
        ({"again": {**REPLAY, "batch": 4}, "online": ONLINE}, "its batch"),
        ({"again": {**REPLAY, "data": "mixture"}, "online": ONLINE}, "data and replay each set the source of pairs"),
    ],
)
def test_pairs_that_cannot_be_had_are_refused(methods, part):
    with pytest.raises(ValidationError, match=part):
        suite(**methods)

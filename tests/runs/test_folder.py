import json
import shutil
from datetime import datetime

import pytest
from toy_plan import plan_with_cells

from bench import load_run
from bench.commands.ls import LISTS
from bench.config.suite import RuntimeConfig
from bench.core.records import ROW_COLUMNS, SCHEMA_VERSION, read_parquet, write_parquet
from bench.engine.display import PlainDisplay
from bench.engine.local import make_stages
from bench.engine.store import Store
from bench.errors import ConfigError
from bench.pipeline.plan import Plan, plan_stages
from bench.runs import folder as run_folder
from bench.runs.folder import RunFolder


@pytest.fixture(scope="module")
def assembled(tmp_path_factory):
    """A run of one good, one diverged and one crashed cell."""
    root = tmp_path_factory.mktemp("run")
    plan = plan_with_cells(good=None, diverging="diverge", crashing="crash")
    folder = RunFolder(plan, Store(root / "store"), root / "out", "bench run toy")
    outcome = make_stages(plan_stages(plan), folder.store, RuntimeConfig(workers=1), PlainDisplay(), lambda stage: None)
    folder.assemble(outcome.failures, over=True)
    return folder, outcome


def test_rows_stand_in_the_plans_order_with_a_null_row_for_a_crash(assembled):
    folder, _ = assembled
    rows = load_run(folder.out).rows
    assert rows["row_id"].tolist() == [
        "good@0",
        "good@5",
        "diverging@0",
        "diverging@5",
        "crashing@0",
        "crashing@failed",
    ]
    assert rows["status"].tolist() == ["ok", "ok", "ok", "diverged", "ok", "failed"]
    assert set(rows["suite"]) == {"toy"}
    assert set(rows["schema"]) == {SCHEMA_VERSION}
    crash = rows.iloc[-1]
    assert crash["reason"] == "RuntimeError: the toy cell crashed"
    assert (crash["method"], crash["beta"]) == ("dpo", 0.1)
    assert rows[["kl", "gold", "proxy"]].iloc[-1].isna().all()
    assert [c for c in rows.columns if c not in ROW_COLUMNS] == ["rubric_facts"]


def test_the_run_says_what_happened(assembled):
    run = load_run(assembled[0].out).run
    assert run["state"] == "failed"
    assert run["failures"] == {"cell/crashing": {"status": "failed", "reason": "RuntimeError: the toy cell crashed"}}
    assert run["device"] in ("cpu", "cuda")
    assert set(run["versions"]) == {"torch", "transformers", "trl"}
    assert set(load_run(assembled[0].out).stages) == {"shared", "cell/good", "cell/diverging"}


def test_the_config_repeats_the_run(assembled):
    from bench.config.compose import compose

    suite, _ = compose([str(assembled[0].out / "config.json")])
    assert suite == assembled[0].plan.suite


def test_cells_are_linked_and_a_second_assembly_changes_no_byte(assembled):
    folder, outcome = assembled
    cell = folder.out / "cells" / "good"
    stored = folder.store.path(folder.plan.cells["good"].stage)
    assert (cell / "policies" / "5" / "config.json").samefile(stored / "policies" / "5" / "config.json")
    assert sorted(p.name for p in cell.iterdir()) == ["log.jsonl", "policies"]
    before = {name: (folder.out / name).read_bytes() for name in ("rows.parquet", "samples.parquet", "stages.json")}
    folder.assemble(outcome.failures, over=True)
    assert before == {name: (folder.out / name).read_bytes() for name in before}


class Days:
    """A clock on which a day passes whenever it is looked at."""

    day = 0

    def now(self, zone):
        self.day += 1
        return datetime(2026, 1, self.day, tzinfo=zone)


def test_what_has_not_changed_is_left_alone_and_its_date_stays(tmp_path, monkeypatch):
    plan = plan_with_cells(one=None, two=None)
    folder = RunFolder(plan, Store(tmp_path / "store"), tmp_path / "out", "bench run toy")
    first, second = (Plan(plan.suite, plan.stages, {name: plan.cells[name]}) for name in ("one", "two"))
    monkeypatch.setattr(run_folder, "datetime", Days())

    def assembled(over):
        folder.assemble({}, over=over)
        tables = [folder.out / name for name in ("rows.parquet", "samples.parquet", "bon_pool.parquet")]
        return json.loads((folder.out / "run.json").read_text())["updated"][8:10], [p.stat().st_ino for p in tables]

    for part in (first, second):
        make_stages(plan_stages(part), folder.store, RuntimeConfig(workers=1), PlainDisplay(), lambda stage: None)
        day, files = assembled(over=False)
        assert day == ("01" if part is first else "02")
        assert assembled(over=True) == (day, files)
    (folder.out / "rows.parquet").write_bytes(b"")
    assert assembled(over=True)[0] == "03"
    assert len(load_run(folder.out).rows) == 4
    other = RunFolder(plan, folder.store, folder.out, "bench run toy workers=1")
    other.assemble({}, over=True)
    assert load_run(folder.out).run["updated"][8:10] == "04"


def test_a_cell_made_anew_with_other_bytes_under_its_key_renews_the_tables(tmp_path):
    plan = plan_with_cells(one=None)
    folder = RunFolder(plan, Store(tmp_path / "store"), tmp_path / "out", "bench run toy")
    make_stages(plan_stages(plan), folder.store, RuntimeConfig(workers=1), PlainDisplay(), lambda stage: None)
    folder.assemble({}, over=True)
    stage = plan.cells["one"].stage
    rows = read_parquet(folder.store.path(stage) / "rows.parquet")
    metrics, gold = folder.store.manifest(stage)["metrics"], rows["gold"] + 0.25
    folder.store.path(stage).rename(folder.store.work(stage))
    write_parquet(rows.assign(gold=gold), folder.store.work(stage) / "rows.parquet")  # what another machine makes
    folder.store.publish(stage, metrics, 1.0, "cpu")
    folder.assemble({}, over=True)
    assert load_run(folder.out).rows["gold"].tolist() == gold.tolist()


def test_copies_stand_in_where_links_cannot(assembled, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("cross-device link")

    monkeypatch.setattr("os.link", refuse)
    folder = RunFolder(assembled[0].plan, assembled[0].store, tmp_path / "out", "")
    folder.assemble({}, over=False)
    assert (folder.out / "cells" / "good" / "log.jsonl").read_text() == "{}\n"
    assert json.loads((folder.out / "run.json").read_text())["state"] == "running"


def test_a_lost_run_folder_comes_back_from_the_store(assembled):
    folder, outcome = assembled
    before = (folder.out / "rows.parquet").read_bytes()
    shutil.rmtree(folder.out)
    folder.assemble(outcome.failures, over=True)
    assert (folder.out / "rows.parquet").read_bytes() == before


def test_a_folder_with_other_things_is_refused(assembled, tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(ConfigError, match="is not a run folder"):
        RunFolder(assembled[0].plan, assembled[0].store, tmp_path, "").check()
    with pytest.raises(ConfigError, match="is not a run folder"):
        load_run(tmp_path)


@pytest.mark.parametrize(("text", "told"), [("{", "run.json cannot be read"), ("[]", "run.json holds a list")])
def test_a_spoiled_run_json_is_told_in_one_line(assembled, tmp_path, monkeypatch, text, told):
    spoiled = tmp_path / "runs" / "toy"
    shutil.copytree(assembled[0].out, spoiled)
    (spoiled / "run.json").write_text(text)
    with pytest.raises(ConfigError, match=told):
        load_run(spoiled)
    monkeypatch.chdir(tmp_path)
    assert [entry.line for entry in LISTS["runs"](None)] == [
        "runs/toy  its run.json cannot be read; give the run's command again, which renews it"
    ]

"""What W&B gets, read back from what it wrote offline, against the rows, the tables and the figures of the run."""

import json
import math
import os
import subprocess
import sys
from types import SimpleNamespace

import pandas as pd
import pytest
from wandb_store import read_runs

import reports
from bench.core.records import read_parquet, write_parquet
from bench.stats.curves import WINDOW
from reports.wandb.log import PROMPTS
from reports.wandb.session import Job, Session, Target
from reports.wandb.sink import Sink

BUDGETS = (0.25, 0.5, 1, 2, 4, 8, 16, 32)
OWN = {"_step", "_runtime", "_timestamp"}  # wandb's


def target_of(folder, store, mode="offline"):
    """The run in `folder` with its cells laid out in `store` as their stages had left them."""
    rows, samples = (read_parquet(folder / f"{name}.parquet") for name in ("rows", "samples"))
    jobs = {}
    for i, (cell, own) in enumerate(rows[rows.status == "ok"].groupby("cell", sort=False)):
        stage = store / cell
        if not stage.exists():
            stage.mkdir(parents=True)
            write_parquet(own.assign(suite=pd.NA, schema=pd.NA), stage / "rows.parquet")
            write_parquet(samples[samples.row_id.isin(own.row_id)], stage / "samples.parquet")
            (stage / "manifest.json").write_text(json.dumps({"config": {"lr": 0.5}}))
            if own.n.notna().all():
                (stage / "bon_pool.parquet").write_bytes((folder / "bon_pool.parquet").read_bytes())
        jobs[cell] = Job(f"{i:024x}", stage)
    return Target(mode, folder, "toy", BUDGETS, jobs, "12345678")


def log(target):
    with Sink(target) as sink:
        sink.log(list(target.cells))
        sink.finish()
        assert not sink.warned


@pytest.fixture(scope="module")
def logged(make_run, tmp_path_factory):
    """A run folder, its report built, that was logged offline, and what was written there."""
    root = tmp_path_factory.mktemp("wandb")
    folder = make_run(root / "toy-12345678", betas=(0.0, 0.1), replicates=2, samples=2)
    rows = read_parquet(folder / "rows.parquet")
    write_parquet(rows[rows.status == "ok"], folder / "rows.parquet")
    reports.build(folder)
    target = target_of(folder, root / "store")
    log(target)
    return SimpleNamespace(folder=folder, target=target, runs=read_runs(folder))


def cells_of(logged):
    rows = read_parquet(logged.folder / "rows.parquet")
    return rows[rows.status == "ok"].groupby("cell", sort=False)


def entries(stored, key):
    return [{k: v for k, v in values.items() if k not in OWN} for values in stored.history if key in values]


def test_every_value_of_every_row_is_logged_and_nothing_else(logged):
    for cell, rows in cells_of(logged):
        stored = logged.runs[cell]
        history = entries(stored, "row_id")
        assert [values["row_id"] for values in history] == rows.row_id.tolist()
        for values, row in zip(history, rows.to_dict("records"), strict=True):
            values = {key: value for key, value in values.items() if key != "d" and not key.startswith("samples/")}
            known = {key: value for key, value in row.items() if pd.notna(value)}
            assert {**{key: stored.config[key] for key in set(known) - set(values)}, **values} == known


def test_the_square_root_of_kl_is_an_axis_that_best_of_n_has_to_its_end(logged):
    for cell, rows in cells_of(logged):
        kl = rows.kl.fillna(rows.kl_analytic)
        found = [values["d"] for values in entries(logged.runs[cell], "row_id")]
        assert found == pytest.approx([math.sqrt(value) for value in kl], abs=1e-15)
    assert logged.runs["bon-policy_sized-r0"].history[6]["_step"] == 6
    assert "kl" not in logged.runs["bon-policy_sized-r0"].history[6]  # n = 64 of 64 has no measured KL


def test_axes_are_defined_and_no_key_is_filled_in_from_them(logged):
    axes = logged.runs["ppo-b0-r0"].axes
    assert [key for key, axis in axes.items() if not axis] == ["d", "kl", "step", "budget"]
    assert (axes["gold"], axes["proxy"], axes["gold_at_budget"]) == ("d", "d", "budget")
    assert not any("d" in values for values in entries(logged.runs["ppo-b0-r0"], "budget"))


def test_a_cell_says_what_it_is(logged):
    stored, job = logged.runs["ppo-b0.1-r1"], logged.target.cells["ppo-b0.1-r1"]
    assert stored.run.run_id.startswith(f"{job.key}-")
    assert (stored.run.run_group, stored.run.job_type, stored.exit) == ("toy-12345678", "cell", 0)
    assert list(stored.run.tags) == ["ppo", "toy", "policy_sized", "r1"]
    config = {key: stored.config[key] for key in ("suite", "method", "beta", "proxy", "setting", "stage")}
    assert config.pop("stage") == {"lr": 0.5}
    assert list(config.values()) == ["toy", "ppo", 0.1, "policy_sized", "ppo-b0.1"]


def test_gold_at_budgets_and_peaks_are_those_of_the_report(logged):
    budgets = pd.read_csv(logged.folder / "tables" / "budgets.csv").dropna(subset=["cell", "gold"])
    peaks = pd.read_csv(logged.folder / "tables" / "peaks.csv").set_index("cell")
    for cell, _ in cells_of(logged):
        found = entries(logged.runs[cell], "budget")
        asked = budgets[budgets.cell == cell]
        for name, column in (("budget", "budget_nats"), ("gold_at_budget", "gold"), ("gold_at_budget_low", "low")):
            assert [values[name] for values in found] == pytest.approx(asked[column].tolist(), rel=1e-5)
        if cell in peaks.index:
            summary = logged.runs[cell].summary
            assert summary["peak_row_id"] == peaks.peak_row_id[cell]
            assert summary["peak_gold"] == pytest.approx(peaks.peak_gold[cell], rel=1e-5)


def test_the_texts_at_budgets_are_samples_of_rows_that_are_near(logged):
    columns, data = logged.runs["dpo-b0-r0"].table("samples")
    table = pd.DataFrame(data, columns=columns)
    assert sorted(set(table.budget)) == list(BUDGETS)
    assert (table.groupby("budget").size() == PROMPTS).all()
    assert (table.groupby("budget").prompt_id.apply(list).map(tuple).nunique()) == 1  # the same prompts throughout
    rows = read_parquet(logged.folder / "rows.parquet").set_index("row_id")
    near = (rows.kl_select[table.row_id].to_numpy() / table.budget).map(math.log).abs()
    assert near.max() <= math.log(WINDOW)
    samples = read_parquet(logged.folder / "samples.parquet")
    shared = ["row_id", "prompt_id", "response", "gold", "proxy", "rubric", "logratio"]
    assert len(table.merge(samples[samples.split == "report"], on=shared)) == len(table)


def test_the_run_as_a_whole_has_the_rows_the_tables_the_figures_and_the_page(logged):
    stored = logged.runs["toy-12345678"]
    assert (stored.run.job_type, list(stored.run.tags), stored.exit) == ("run", ["toy"], 0)
    rows = read_parquet(logged.folder / "rows.parquet")
    columns, data = stored.table("rows")
    assert columns == list(rows.columns)
    assert data == [[None if pd.isna(v) else v for v in row] for row in rows.itertuples(index=False)]
    for path in (logged.folder / "tables").glob("*.csv"):
        columns, data = stored.table(path.stem)
        assert (columns, len(data)) == (list(pd.read_csv(path).columns), len(pd.read_csv(path)))
    figures = list((logged.folder / "figures").glob("*.png"))
    assert {"hero", "frontier"} < {path.stem for path in figures}
    assert all(stored.media(f"figures/{path.stem}").read_bytes() == path.read_bytes() for path in figures)
    assert stored.media("report").read_bytes() == (logged.folder / "report.html").read_bytes()


def test_the_frontier_is_the_figures(logged):
    drawn = pd.read_csv(logged.folder / "figures" / "frontier.csv")
    drawn = drawn[drawn.panel == "All budgets"]
    for method, label in (("ppo", "PPO"), ("dpo", "DPO"), ("bon", "Best-of-n")):
        line = drawn[drawn.series == f"{label}, at budgets"]
        found = entries(logged.runs["toy-12345678"], f"frontier/{method}")
        assert len(found) == len(line) > 0
        assert [values["budget"] for values in found] == pytest.approx((line.iloc[:, 2] ** 2).tolist(), rel=1e-5)
        assert [values[f"frontier/{method}"] for values in found] == pytest.approx(line.iloc[:, 3].tolist(), rel=1e-5)


def test_what_was_logged_is_not_logged_again_and_what_was_cut_off_is_made_whole(make_run, tmp_path):
    folder = make_run(tmp_path / "toy", betas=(0.0,), samples=1)
    reports.build(folder)
    target = target_of(folder, tmp_path / "store")
    log(target)
    before = read_runs(folder)
    assert not any("budget" in values for values in before["toy"].history)  # a cell crashed
    (folder / "wandb" / f"logged-offline-{target.id(target.cells['dpo-b0-r0'].place)}").unlink()
    cut = next((before["dpo-b0-r0"].folder).glob("*.wandb"))
    cut.write_bytes(cut.read_bytes()[:1000])
    log(target)
    after = read_runs(folder)  # complains of a second run of one name
    assert after.keys() == before.keys()
    assert after["ppo-b0-r0"].folder == before["ppo-b0-r0"].folder
    assert after["dpo-b0-r0"].history[0]["gold"] == before["dpo-b0-r0"].history[0]["gold"]
    assert (len(after["dpo-b0-r0"].history), after["dpo-b0-r0"].exit) == (len(before["dpo-b0-r0"].history), 0)


def test_a_cell_with_other_rows_under_its_key_is_another_run(make_run, tmp_path):
    folder = make_run(tmp_path / "toy", betas=(0.0,), samples=1)
    reports.build(folder)
    target = target_of(folder, tmp_path / "store")
    job = target.cells["dpo-b0-r0"]
    before = target.id(job.place)
    session, opened = Session.__new__(Session), []
    session.target, session.folder = target, tmp_path
    session._open = lambda place, **_: opened.append(target.id(place)) or _ToyRun(tmp_path, step=99)
    session._table = lambda table: table
    session.cell("dpo-b0-r0")
    session.cell("dpo-b0-r0")
    rows = read_parquet(job.folder / "rows.parquet")
    write_parquet(rows.assign(gold=rows.gold + 1e-6), job.folder / "rows.parquet")  # made on another machine
    session.cell("dpo-b0-r0")
    assert opened == [before, target.id(job.place)]
    assert len(set(opened)) == 2


class _ToyRun:
    """Stands in for an online run of which the server has `step` steps."""

    def __init__(self, root, step):
        self.step, self.dir, self.url, self.steps, self.summary = step, str(root / "files"), "https://w", [], {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def define_metric(self, *_, **__):
        return None

    def log(self, values, step):
        self.steps.append((step, values))


def test_online_an_interrupted_cell_goes_on_where_the_server_is(logged, tmp_path, monkeypatch):
    (tmp_path / "wandb").mkdir()
    run, asked = _ToyRun(tmp_path, step=3), []
    toy = SimpleNamespace(
        init=lambda **options: asked.append(options) or run, Settings=dict, Table=lambda **parts: parts["data"]
    )
    monkeypatch.setitem(sys.modules, "wandb", toy)
    session = Session(Target("online", tmp_path, "toy", BUDGETS, logged.target.cells, "12345678"))
    session.cell("dpo-b0-r0")
    session.cell("dpo-b0-r0")  # marked by now
    history = logged.runs["dpo-b0-r0"].history
    assert [step for step, _ in run.steps] == list(range(3, len(history)))
    assert [values["row_id"] for _, values in run.steps if "row_id" in values] == [
        values["row_id"] for values in history[3:] if "row_id" in values
    ]
    assert len(run.steps[-1][1]["samples"]) == len(logged.runs["dpo-b0-r0"].table("samples")[1])
    assert [options["resume"] for options in asked] == ["allow", "allow"]


def test_what_is_switched_off_starts_nothing(tmp_path):
    with Sink(Target("disabled", tmp_path / "run", "toy", BUDGETS, {}, "12345678")) as sink:
        sink.log(["a"])
        sink.finish()
        assert sink.process is None
    assert not (tmp_path / "run").exists()
    code = "import sys, bench.commands.run; sys.exit('wandb' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_child_that_dies_is_a_warning(tmp_path, capsys):
    with Sink(Target("offline", tmp_path / "run", "toy", BUDGETS, {}, "12345678")) as sink:
        assert os.getsid(sink.process.pid) != os.getsid(0)  # out of the reach of Ctrl-C
        sink.process.kill()
        sink.process.join()
        sink.log(["a"])
        sink.log(["b"])
        sink.finish()
    assert capsys.readouterr().err.count("bench: W&B logging failed (its process died)") == 1


def test_two_suites_in_folders_of_one_name_share_no_id(tmp_path):
    """`out=exp1` in two working directories: with resume=allow one would continue the other."""
    one, other = (
        Target("offline", tmp_path / key / "exp1", "toy", BUDGETS, {}, key) for key in ("aaaaaaaa", "bbbbbbbb")
    )
    assert one.group != other.group
    assert {one.id(key) for key in ("run", "0")}.isdisjoint({other.id(key) for key in ("run", "0")})
    moved = Target("offline", tmp_path / "elsewhere", "toy", BUDGETS, {}, "aaaaaaaa")
    assert moved.id("run") == one.id("run")

"""The dashboard, as the spec that W&B would be sent: every key that a panel uses is one that is logged."""

import json

import pandas as pd
import pytest

import reports
from bench.core.records import ROW_COLUMNS, read_parquet, write_parquet
from reports.wandb.dashboard import dashboard, main
from reports.wandb.log import cell_log, run_log

METHODS = ["ppo", "dpo", "bon"]


@pytest.fixture(scope="module")
def folder(make_run, tmp_path_factory):
    folder = make_run(tmp_path_factory.mktemp("dashboard") / "toy-12345678", samples=2)
    rows = read_parquet(folder / "rows.parquet")
    write_parquet(rows[rows.status == "ok"], folder / "rows.parquet")
    reports.build(folder)
    return folder


@pytest.fixture(scope="module")
def logs(folder, tmp_path_factory):
    """What is logged of each of the run's cells, by name, and of the run."""
    stage = tmp_path_factory.mktemp("stage")
    (stage / "manifest.json").write_text('{"config": {}}')
    (stage / "bon_pool.parquet").write_bytes((folder / "bon_pool.parquet").read_bytes())
    rows, samples = (read_parquet(folder / f"{name}.parquet") for name in ("rows", "samples"))
    empty = [name for name, kind in ROW_COLUMNS.items() if kind == "double" and rows[name].isna().all()]
    rows[empty] = 0.5  # what every real cell measures
    cells = {}
    for cell, own in rows[rows.status == "ok"].groupby("cell", sort=False):
        write_parquet(own, stage / "rows.parquet")
        write_parquet(samples[samples.row_id.isin(own.row_id)], stage / "samples.parquet")
        cells[cell] = cell_log(stage, "toy", (0.5, 2, 8))
    return cells, run_log(folder)


def spec_of(folder):
    """The sections of the dashboard of `folder`, as JSON, and its run set."""
    figures, tables = (sorted(p.stem for p in folder.glob(kind)) for kind in ("figures/*.png", "tables/*.csv"))
    model = dashboard("someone/goldbench", folder.name, METHODS, figures, tables)._to_model()
    section = model.model_dump(by_alias=True, mode="json")["spec"]["section"]
    return section["panelBankConfig"]["sections"], section["runSets"][0]


def panels(folder, kind):
    return [p["config"] for s in spec_of(folder)[0] for p in s["panels"] if p["viewType"] == kind]


def test_every_key_of_every_line_is_logged(folder, logs):
    cells, whole = logs
    of_cells = {key for log in cells.values() for values in log.history for key in values}
    of_whole = {key for values in whole.history for key in values}
    lines = panels(folder, "Run History Line Plot")
    assert len(lines) == 18
    for line in lines:
        used = {line["xAxis"], *line["metrics"]}
        assert used <= of_cells or used <= of_whole, used
        by = line["groupBy"]
        assert by is None or all(by.removesuffix(".value") in log.config for log in cells.values())


def test_the_comparison_has_gold_and_proxy_over_kl_and_against_each_other_by_method(folder):
    shown = {(p["xAxis"], *p["metrics"], p["groupBy"]) for p in panels(folder, "Run History Line Plot")}
    for x, y in (("d", "gold"), ("d", "proxy"), ("kl", "gold"), ("proxy", "gold"), ("step", "kl")):
        assert {(x, y, "method.value"), (x, y, "setting.value")} <= shown
    assert ("budget", "gold_at_budget", "method.value") in shown
    assert ("budget", "frontier/ppo", "frontier/dpo", "frontier/bon", None) in shown


def test_every_key_of_a_dot_a_picture_or_a_table_is_logged(folder, logs):
    cells, whole = logs
    (dots,) = panels(folder, "Scatter Plot")
    for key in (dots["xAxis"], dots["yAxis"]):
        assert key.startswith("summary:")
        assert all(key.removeprefix("summary:") in log.summary for log in cells.values())
    pictures = [key for p in panels(folder, "Media Browser") for key in p["mediaKeys"]]
    assert set(pictures) == {*whole.figures, "report"}
    assert whole.page.is_file()
    tables = [json.dumps(p) for p in panels(folder, "Weave")]
    for name in ("samples", "rows", "peaks", "budgets"):
        assert sum(f'"val": "{name}"' in text for text in tables) == 1
    assert "claims" not in tables  # none was declared
    assert {"rows", "peaks", "budgets"} <= set(whole.tables)
    assert all(len(log.samples) for name, log in cells.items() if name != "reference")


def test_the_dashboard_is_of_this_run_and_shows_more_than_ten_cells(folder):
    _, runs = spec_of(folder)
    assert '"toy-12345678"' in json.dumps(runs["filters"])
    assert "group" in json.dumps(runs["filters"])
    assert all(p["limit"] == 100 for p in panels(folder, "Run History Line Plot") if p["groupBy"])


def test_no_value_that_is_not_finite_is_logged(logs):
    cells, whole = logs
    values = [v for log in cells.values() for entry in (*log.history, log.summary, log.config) for v in entry.values()]
    values += [v for entry in whole.history for v in entry.values()]
    numbers = pd.Series([v for v in values if isinstance(v, float)])
    assert len(numbers) > 100
    assert numbers.abs().lt(float("inf")).all()


@pytest.mark.parametrize(
    ("words", "part"),
    [([], "ENTITY/PROJECT RUN"), (["place", "{run}"], "ENTITY/PROJECT"), (["a/b", "nowhere"], "not a run folder")],
)
def test_a_mistake_is_one_line_and_exit_2(folder, words, part, capsys):
    assert main([word.format(run=folder) for word in words]) == 2
    error = capsys.readouterr().err
    assert part in error
    assert error.count("\n") == 1


def test_without_a_login_the_command_says_so(folder, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    assert main(["someone/goldbench", str(folder)]) == 2
    assert "dashboard: W&B refused the view" in capfd.readouterr().err

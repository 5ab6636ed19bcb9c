"""`bench run` with W&B: what stops it, what does not, and that neither a row nor a secret depends on it."""

import pandas as pd
import pytest
from toy_plan import plan_with_cells
from wandb_store import read_runs

from bench.cli import main
from bench.commands.run import execute
from bench.config.suite import RuntimeConfig
from bench.core.records import read_parquet

KEY = "0123456789abcdef" * 3


@pytest.fixture(autouse=True)
def _no_account(tmp_path, monkeypatch):
    """No login of whoever runs the tests, and nothing of theirs written to."""
    for name in ("WANDB_API_KEY", "WANDB_BASE_URL", "WANDB_MODE", "WANDB_PROJECT", "WANDB_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


def runtime(tmp_path, wandb="offline", out="out"):
    return RuntimeConfig(store=tmp_path / "store", out=tmp_path / out, workers=1, wandb=wandb)


@pytest.mark.parametrize(
    ("environment", "part"),
    [
        ({}, "No API key configured"),
        ({"WANDB_API_KEY": KEY, "WANDB_BASE_URL": "no-address"}, "base_url"),
    ],
)
def test_a_wandb_that_cannot_be_opened_stops_the_run_before_it_starts(tmp_path, monkeypatch, capfd, environment, part):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    words = ["run", "smoke", "wandb=online", f"store={tmp_path / 'store'}", f"out={tmp_path / 'out'}"]
    assert main(words) == 2
    captured = capfd.readouterr()
    assert (captured.out, captured.err.count("\n")) == ("", 1)
    assert captured.err.startswith("bench: wandb=online cannot be opened")
    assert part in captured.err
    assert "wandb=offline" in captured.err
    assert KEY not in captured.err
    assert not (tmp_path / "store").exists()
    assert '"state": "failed"' in (tmp_path / "out" / "run.json").read_text()


def test_a_folder_that_cannot_be_written_says_so(tmp_path, capfd):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run.json").write_text("{}")
    (tmp_path / "out" / "config.json").write_text("{}")
    (tmp_path / "out" / "wandb").write_text("in the way")
    words = ["run", "smoke", "wandb=offline", f"store={tmp_path / 'store'}", f"out={tmp_path / 'out'}"]
    assert main(words) == 2
    assert f"make {tmp_path / 'out' / 'wandb'} a folder" in capfd.readouterr().err
    assert not (tmp_path / "store").exists()


def test_a_log_that_fails_is_warned_of_once_and_changes_no_row(tmp_path, monkeypatch, capfd):
    plan = plan_with_cells(good=None, better=None)
    assert execute(plan, runtime(tmp_path, "disabled", "plain"), "") == 0
    (tmp_path / "in the way").touch()
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "in the way"))  # where tables are kept
    capfd.readouterr()
    assert execute(plan, runtime(tmp_path), "") == 0
    assert capfd.readouterr().err.count("bench: W&B logging failed (good: ") == 1
    for name in ("rows.parquet", "samples.parquet"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()
    monkeypatch.delenv("WANDB_DATA_DIR")
    assert execute(plan, runtime(tmp_path), "") == 0
    assert "W&B" not in capfd.readouterr().err
    assert {"good", "better", "out"} == set(read_runs(tmp_path / "out"))


def test_finished_and_diverged_cells_are_logged_as_they_are_a_crash_in_the_whole(tmp_path, capfd):
    plan = plan_with_cells(good=None, diverging="diverge", crashing="crash")
    assert execute(plan, runtime(tmp_path), "") == 1
    runs = read_runs(tmp_path / "out")
    assert set(runs) == {"good", "diverging", "out"}
    assert [values["gold"] for values in runs["good"].history] == [0.1, 0.1]
    ends = [(values["status"], values.get("reason")) for values in runs["diverging"].history]
    assert ends == [("ok", None), ("diverged", "KL 1e9")]
    columns, data = runs["out"].table("rows")
    crash = pd.DataFrame(data, columns=columns).iloc[-1]
    assert (crash["row_id"], crash["reason"]) == ("crashing@failed", "RuntimeError: the toy cell crashed")
    assert "wandb sync" in capfd.readouterr().out


def test_a_resumed_run_logs_each_cell_once(tmp_path):
    assert execute(plan_with_cells(good=None), runtime(tmp_path), "") == 0
    before = read_runs(tmp_path / "out")
    assert execute(plan_with_cells(good=None, better=None), runtime(tmp_path), "") == 0
    after = read_runs(tmp_path / "out")
    assert set(after) == {"good", "better", "out"}
    assert after["good"].folder == before["good"].folder
    assert len(after["out"].table("rows")[1]) == len(read_parquet(tmp_path / "out" / "rows.parquet")) == 4


def test_no_key_is_written_anywhere(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    assert execute(plan_with_cells(good=None), runtime(tmp_path), "bench run toy") == 0
    captured = capfd.readouterr()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.suffix == ".wandb" for path in files)
    assert not [path for path in files if KEY.encode() in path.read_bytes()]
    assert KEY not in captured.out + captured.err

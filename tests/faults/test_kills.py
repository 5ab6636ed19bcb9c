"""SIGKILL at any moment of any process: the same command ends with the same bytes, and no process is left behind.

`make faults` does this thirty times more often, to real stages.
"""

import random
import time

import pytest
from toy_run import CELLS, plan, start, wait_until

from bench.engine.store import Store

STEPS, STEP_S = 12, 0.05
TABLES = ("rows.parquet", "samples.parquet")


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """The tables of an undisturbed run."""
    root = tmp_path_factory.mktemp("unbroken")
    assert start(root, STEPS, STEP_S).end()[0] == 0
    return {name: (root / "out" / name).read_bytes() for name in TABLES}


def _tables(root, out="out"):
    return {name: (root / out / name).read_bytes() for name in TABLES}


def _nothing_half_done(root):
    """Every published folder is whole, and no lock is held."""
    store = Store(root / "store")
    for stage in [cell.stage for cell in plan(STEPS, STEP_S).cells.values()]:
        if store.path(stage).exists():
            assert store.is_done(stage)
            store.check(stage)
        if store.path(stage).parent.exists():
            store.lock(stage).acquire(timeout=2).lock.release()


def test_the_same_command_ends_with_the_same_bytes_however_often_it_was_killed(tmp_path, unbroken):
    moments = random.Random(0)
    for who in ("parent", "workers", "all", "parent"):
        run = start(tmp_path, STEPS, STEP_S)
        wait_until(run.workers)
        wait_until(lambda: (tmp_path / "store" / "cell").exists() or run.process.poll() is not None)  # noqa: B023
        time.sleep(moments.uniform(0.0, 1.0))
        run.kill(who)
        run.end()
        _nothing_half_done(tmp_path)
    code, _, error = start(tmp_path, STEPS, STEP_S).end()
    assert (code, error) == (0, "")
    assert _tables(tmp_path) == unbroken
    assert not list((tmp_path / "store").glob("*/.work-*"))


def test_three_runs_on_one_store_and_one_folder_end_as_one(tmp_path, unbroken):
    runs = [start(tmp_path, STEPS, STEP_S, out) for out in ("out", "out", "other")]
    for run in runs:
        code, _, error = run.end(120)
        assert (code, error) == (0, "")
    assert _tables(tmp_path) == _tables(tmp_path, "other") == unbroken
    assert len(list((tmp_path / "store" / "cell").glob("[!.]*"))) == len(CELLS)


def test_a_killed_run_whose_rival_goes_on_loses_nothing(tmp_path, unbroken):
    first, second = start(tmp_path, STEPS, STEP_S), start(tmp_path, STEPS, STEP_S, "other")
    wait_until(lambda: (tmp_path / "store" / "cell").exists())
    first.kill("all")
    first.end()
    assert second.end(120)[0] == 0
    assert _tables(tmp_path, "other") == unbroken


def test_a_kill_while_the_run_folder_is_begun_does_not_bar_it(tmp_path, unbroken):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "config.json").write_text("{}")
    (tmp_path / "out" / ".stages.json.partial").touch()
    assert start(tmp_path, STEPS, STEP_S).end()[0] == 0
    assert _tables(tmp_path) == unbroken

import os
import shutil
import signal

import pytest
import toy_finished as toy

from bench.cli import main
from bench.commands.gc import GcOptions, collect
from bench.engine.files import read_json, write_json
from bench.engine.store import Store

OLD = "0123456789abcdef01234567"


def stages(run):
    return {p.parent.name for p in run.store.glob("*/[!.]*/manifest.json")}


@pytest.fixture
def run(toy_finished, tmp_path):
    """A run with, in its store, a stage of older code, what a killed attempt at it left, and a resumable attempt."""
    run = toy_finished.copy(tmp_path / "runs")
    folder = shutil.copytree(run.stage(f"measure/{toy.DPO}"), run.store / "measure" / OLD)
    write_json(folder / "manifest.json", {**read_json(folder / "manifest.json"), "key": OLD, "name": "measure/old"})
    (run.store / "measure" / f".work-{OLD}").mkdir()
    (run.store / "measure" / f".work-{OLD}" / "half").write_bytes(b"x" * 2**20)
    (run.store / "measure" / f".output-{OLD}").write_text("it died\n")
    return run


def gc(run, **options):
    return collect(GcOptions(store=run.store, runs=run.root, **options))


def test_the_default_lists_and_removes_nothing(run, capsys):
    before = sorted(run.store.rglob("*"))
    assert main(["gc", f"store={run.store}", f"runs={run.root}"]) == 0
    out = capsys.readouterr().out
    assert sorted(run.store.rglob("*")) == before
    assert "measure/old" in out
    assert "in the places above (2); delete=true removes them" in out
    cells = next(line.split() for line in out.splitlines() if line.startswith("measure "))
    assert (cells[1], cells[4], cells[7], cells[8]) == ("3", "1", "1", "1.0")  # stages, unused, leftovers, their MiB


def test_delete_removes_what_no_run_uses_and_nothing_else(run, capsys):
    before = stages(run)
    assert gc(run, delete=True) == 0
    assert stages(run) == before - {OLD}
    assert not [p for p in run.store.rglob(f"*{OLD}*") if not p.name.startswith(".lock-")]
    assert "removed" in capsys.readouterr().out
    assert main(["verify", str(run.out), f"store={run.store}"]) == 0
    assert gc(run) == 0
    assert "everything is in use" in capsys.readouterr().out


def test_stages_of_a_run_folder_elsewhere_are_kept_when_it_is_found(run):
    write_json(run.root / "elsewhere.json", {})
    shutil.move(run.out, run.root / "deep" / "er")
    before = stages(run)
    gc(run, delete=True)
    assert stages(run) == before - {OLD}


def test_an_interrupted_run_keeps_what_it_has_and_may_resume(run):
    """Its stages.json is empty; the config says what it would ask for, and used stages keep what made them."""
    write_json(run.out / "stages.json", {})
    key = run.store / "measure" / run_key(run, toy.PPO)
    key.rename(work := run.store / "measure" / f".work-{key.name}")
    before = stages(run)
    gc(run, delete=True)
    assert stages(run) == before - {OLD}
    assert work.is_dir()


def run_key(run, cell):
    return next(
        p.parent.name for p in run.store.glob("measure/[!.]*/manifest.json") if read_json(p)["name"].endswith(cell)
    )


def test_what_a_stage_was_made_from_is_kept_with_it(run):
    """Today's code would ask for other keys: only stages.json counts, and the inputs of what it names."""
    names = read_json(run.out / "stages.json")
    write_json(run.out / "stages.json", {k: v for k, v in names.items() if k == f"measure/{toy.DPO}"})
    write_json(run.out / "config.json", {"unknown": 1})
    gc(run, delete=True)
    kept = {read_json(p)["name"] for p in run.store.glob("*/[!.]*/manifest.json")}
    assert kept == {
        "world",
        "sft",
        "gold",
        "units",
        "reference",
        "pairs/r0",
        "proxy/policy_sized/r0",
        f"train/{toy.DPO}",
        f"measure/{toy.DPO}",
    }


@pytest.fixture
def holder(run):
    """Another process that holds the lock of the old stage."""
    lock = Store(run.store).root / "measure" / f".lock-{OLD}"
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        from filelock import FileLock

        held = FileLock(lock)
        held.acquire()
        os.write(write, b"!")
        signal.pause()
    os.read(read, 1)
    yield
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


@pytest.mark.usefixtures("holder")
def test_a_locked_stage_is_in_use_and_a_stranger_at_work_stops_deletion(run, capsys):
    before = sorted(run.store.rglob("*"))
    assert gc(run) == 0
    assert "everything is in use" in capsys.readouterr().out
    assert main(["gc", "delete=true", f"store={run.store}", f"runs={run.root}"]) == 2
    assert f"works in {run.store} (measure {OLD[:8]})" in capsys.readouterr().err
    assert sorted(run.store.rglob("*")) == before


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["delete=true", "runs=nowhere"], "no run folder under 'nowhere', so nothing would be kept"),
        (["store=nowhere"], "the store 'nowhere' does not exist"),
        (["deleet=true"], "did you mean 'delete'"),
        (["RUN"], "unknown setting 'RUN'"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(run, words, part, capsys):
    store = [] if words[0].startswith("store=") else [f"store={run.store}"]
    assert main(["gc", *words, *store]) == 2
    err = capsys.readouterr().err
    assert part in err
    assert err.count("\n") == 1

"""Full disks, unwritable stores, files changed by hand: one line says so, and nothing else is lost."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from toy_plan import plan_with_cells, toy
from toy_run import TOYS, start, wait_until

from bench.commands.run import execute
from bench.config.suite import RuntimeConfig
from bench.engine.attempt import Setup, attempt
from bench.engine.display import PlainDisplay
from bench.engine.progress import ProgressLog, ProgressTail
from bench.engine.scheduler import needed_stages
from bench.engine.store import Store
from bench.errors import ConfigError, StoreError


@pytest.fixture
def made(tmp_path):
    """A store with one finished stage, and another stage that needs it."""
    store, stage = Store(tmp_path / "store"), toy("a")
    store.open()
    store.work(stage).mkdir(parents=True)
    (store.work(stage) / "value").write_text("12")
    store.publish(stage, {}, 1.0, "cpu")
    return store, stage


def _edit(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "value").write_text("1"),
        lambda folder: (folder / "value").unlink(),
        lambda folder: (folder / "manifest.json").write_text(""),
        lambda folder: (folder / "manifest.json").write_text((folder / "manifest.json").read_text()[:40]),
        lambda folder: (folder / "manifest.json").write_bytes(b"\xff\xfe"),
        lambda folder: (folder / "manifest.json").write_text("[]"),
        lambda folder: _edit(folder / "manifest.json", schema=99),
        lambda folder: _edit(folder / "manifest.json", key="another"),
    ],
    ids=["truncated", "removed", "empty manifest", "torn manifest", "binary", "a list", "another version", "moved"],
)
def test_what_is_not_as_it_was_stored_counts_as_never_made_and_is_made_again(made, damage):
    store, stage = made
    damage(store.path(stage))
    assert not store.is_done(stage)
    assert needed_stages([stage], store) == [stage]
    assert list(store.manifests("toy")) == [] or "value" in damage.__code__.co_consts
    store.work(stage).mkdir()
    (store.work(stage) / "value").write_text("12")
    store.publish(stage, {}, 1.0, "cpu")
    assert store.is_done(stage)
    assert (store.path(stage) / "value").read_text() == "12"


def test_an_edit_that_keeps_the_size_is_never_read(made):
    store, stage = made
    (store.path(stage) / "value").write_text("13")
    with pytest.raises(StoreError, match="value is not as it was stored"):
        store.check(stage)
    above = toy("b", stage)
    answer = _attempt_in_a_child(store, above)
    assert answer == f"failed {store.path(stage) / 'value'} is not as it was stored: somebody changed it; remove " + (
        f"{store.path(stage)} and give the command again"
    )
    assert not store.is_done(above)


def _attempt_in_a_child(store, stage):
    """A worker's result, in a child process because it redirects its output."""
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        answer = attempt(stage, Setup(store, 1, "cpu"), redirect_output=True)
        os.write(writer, f"{answer.status} {answer.reason}".encode())
        os._exit(0)
    os.waitpid(child, 0)
    return os.read(reader, 10_000).decode()


def test_a_store_that_cannot_be_written_is_one_line_and_exit_2_before_anything_runs(tmp_path):
    for root in (tmp_path / "file" / "store", "/proc/goldbench"):
        (tmp_path / "file").touch()
        with pytest.raises(ConfigError, match="cannot be written to"):
            execute(plan_with_cells(good=None), RuntimeConfig(store=root, out=tmp_path / "out"), "")
        assert json.loads((tmp_path / "out" / "run.json").read_text())["state"] == "failed"


def test_a_read_only_store_that_holds_everything_is_enough(tmp_path, monkeypatch):
    runtime = RuntimeConfig(store=tmp_path / "store", out=tmp_path / "out", workers=1)
    assert execute(plan_with_cells(good=None), runtime, "") == 0

    def refused(*_):
        raise AssertionError("the store was to be written to")

    monkeypatch.setattr(Store, "open", refused)
    monkeypatch.setattr(Store, "lock", refused)
    assert execute(plan_with_cells(good=None), runtime.model_copy(update={"out": tmp_path / "again"}), "") == 0


def test_a_run_folder_that_cannot_be_written_is_one_line_and_exit_2(tmp_path):
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(ConfigError, match="out="):
            execute(plan_with_cells(good=None), RuntimeConfig(store=tmp_path / "store", out=out), "")
    assert not (tmp_path / "store").exists()


def test_a_store_removed_under_a_run_ends_it_and_spares_the_run_folder(tmp_path):
    run = start(tmp_path, 1000, 0.05)
    wait_until(lambda: list((tmp_path / "store").glob("cell/.work-*/checkpoint.json")))
    before = (tmp_path / "out" / "rows.parquet").read_bytes()
    (tmp_path / "store").rename(tmp_path / "gone")  # in one step; removing its files takes long enough to meet new ones
    code, _, error = run.end()
    assert code == 1
    assert error.startswith(f"bench: the store {tmp_path / 'store'} was removed under the run")
    assert error.count("\n") == 1
    assert not (tmp_path / "store").exists()
    assert (tmp_path / "out" / "rows.parquet").read_bytes() == before


def _full(tmp_path, size):
    """The toy run on a disk of that size, mounted where only it can see it."""
    disk = tmp_path / "disk"
    disk.mkdir(exist_ok=True)
    script = f"mount -t tmpfs -o size={size} full {disk} && exec {sys.executable} {TOYS / 'toy_run.py'} 200 0 "
    script += f"store={disk / 'store'} out={tmp_path / 'out'}"
    return subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", script],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TOYS / "without_torch"), str(TOYS), *sys.path])},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.skipif(
    subprocess.run(["unshare", "--mount", "--map-root-user", "true"], capture_output=True, check=False).returncode != 0
    if shutil.which("unshare")
    else True,
    reason="no user namespaces here",
)
@pytest.mark.parametrize(("size", "codes"), [("4k", (1, 2)), ("48k", (1,)), ("96k", (1,))])
def test_a_full_disk_fails_what_it_stops_with_a_reason(tmp_path, size, codes):
    done = _full(tmp_path, size)
    assert done.returncode in codes
    assert "Traceback" not in done.stdout + done.stderr
    assert "No space left" in done.stdout + done.stderr
    assert json.loads((tmp_path / "out" / "run.json").read_text())["state"] == "failed"


def test_a_progress_line_that_cannot_be_written_or_read_is_dropped(tmp_path):
    ProgressLog(tmp_path / "nowhere" / "progress")({"step": 1})
    (tmp_path / "progress").write_text('{"st\n{"step": 2}\n')
    assert ProgressTail(tmp_path / "progress").latest() == {"step": 2}
    (tmp_path / "progress").write_text('{"step": 2}\n{"st\n')
    assert ProgressTail(tmp_path / "progress").latest() is None


def test_a_worker_killed_while_it_waited_costs_nothing(tmp_path, monkeypatch):
    from bench.engine.local import make_stages
    from bench.engine.worker import Worker

    send, killed = Worker.send, []

    def kill_first(self, stage):
        if not killed and self.served:
            killed.append(self)
            self.process.kill()
            self.process.join()
        send(self, stage)

    monkeypatch.setattr(Worker, "send", kill_first)
    a = toy("a")
    runtime, store = RuntimeConfig(workers=1, device="cpu"), Store(tmp_path / "store")
    outcome = make_stages([toy("b", a)], store, runtime, PlainDisplay(), lambda stage: None)
    assert killed
    assert (outcome.made, outcome.failures) == (2, {})

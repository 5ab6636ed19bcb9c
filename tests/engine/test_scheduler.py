import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from toy_plan import toy

from bench.config.suite import RuntimeConfig
from bench.engine.display import PlainDisplay
from bench.engine.local import make_stages
from bench.engine.scheduler import expected_seconds, needed_stages, remaining_chains
from bench.engine.stage import Gate
from bench.engine.store import Store


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def _run(store, *stages, workers=2):
    done = []
    runtime = RuntimeConfig(workers=workers, device="cpu")
    outcome = make_stages(stages, store, runtime, PlainDisplay(), lambda stage: done.append(stage.name))
    return outcome, done


def _value(store, stage):
    return int((store.path(stage) / "value").read_text())


def test_a_diamond_runs_in_order_and_a_second_run_makes_nothing(store):
    a = toy("a")
    d = toy("d", toy("b", a), toy("c", a, isolated=True))
    outcome, done = _run(store, d)
    assert (outcome.made, outcome.failures) == (4, {})
    assert done[0] == "a"
    assert done[-1] == "d"
    assert _value(store, d) == 5  # a = 1, b = c = 2, d = 1 + 2 + 2
    assert _run(store, d)[0].made == 0


def test_nothing_above_a_finished_target_is_looked_at(store):
    a = toy("a")
    b = toy("b", a)
    _run(store, b)
    (store.path(a) / "manifest.json").unlink()
    assert needed_stages([a, b], store) == []
    assert [s.name for s in needed_stages([a, b, toy("c", a)], store)] == ["a", "c"]


def test_failures_have_reasons_fail_what_needs_them_and_spare_the_rest(store):
    broken, diverged, killed = toy("broken", act="raise"), toy("diverged", act="diverge"), toy("killed", act="die")
    above = toy("above", toy("between", broken))
    fine = toy("fine")
    outcome, _ = _run(store, above, diverged, killed, fine)
    failures = {f.name: (f.status, f.reason) for f in outcome.failures.values()}
    assert failures == {
        "broken": ("failed", "RuntimeError: the toy broke on two lines"),
        "between": ("failed", "broken failed: RuntimeError: the toy broke on two lines"),
        "above": ("failed", "broken failed: RuntimeError: the toy broke on two lines"),
        "diverged": ("diverged", "KL 1e9"),
        "killed": ("failed", "worker died (signal 9)"),
    }
    assert store.is_done(fine)
    assert "Traceback" in store.output(broken).read_text()


@pytest.mark.parametrize("stored", [False, True])
def test_a_gate_fails_what_needs_the_stage_and_changes_no_key(store, stored):
    """However the stage came to be there: made by this run, or by one that demanded less."""

    def stages(least):
        judged = replace(toy("judged"), gate=Gate(("absent", "value"), least, "too small"))
        return judged, toy("above", toy("between", judged)), toy("fine")

    lax, strict = stages(1.0), stages(1.5)
    assert [stage.key for stage in lax] == [stage.key for stage in strict]
    if stored:
        assert _run(store, *lax)[0].failures == {}
    outcome, _ = _run(store, *strict)
    failures = {f.name: (f.status, f.reason, f.needs) for f in outcome.failures.values()}
    reason = "too small: value is 1.000, needed 1.5"
    assert failures == {
        "judged": ("failed", reason, None),
        "between": ("failed", f"judged failed: {reason}", "judged"),
        "above": ("failed", f"judged failed: {reason}", "judged"),
    }
    assert outcome.made == (0 if stored else 1)
    assert store.is_done(strict[0])  # its files are sound, and another run may ask for less
    assert _run(store, *lax)[0].failures == {}


def test_a_gate_on_an_undefined_value_fails():
    assert Gate(("a",), -1.0, "bad").reason({"a": None}) == "bad: a is undefined, needed -1"


def test_a_killed_stage_continues_in_its_work_folder(store):
    stage = toy("a", act="resume")
    assert "signal 9" in _run(store, stage)[0].failures[stage.key].reason
    assert _run(store, stage)[0].made == 1
    assert (store.path(stage) / "half").exists()


def test_code_that_changed_under_a_run_is_not_run(store):
    stage = toy("a")
    stage.__dict__["key"] = "0" * 24  # what the parent derived before the edit
    assert "changed after this run had begun" in _run(store, stage)[0].failures[stage.key].reason


def test_a_failure_spares_what_only_a_stored_stage_needed(store):
    broken = toy("broken", act="raise")
    stored = toy("stored", broken)
    store.work(stored).mkdir(parents=True)
    (store.work(stored) / "value").write_text("1")
    store.publish(stored, {}, 1.0, "cpu")
    outcome, done = _run(store, toy("fine", stored), toy("lost", broken, stored))
    assert done == ["fine"]
    assert {f.name for f in outcome.failures.values()} == {"broken", "lost"}


def test_one_worker_serves_many_stages_and_isolated_ones_have_their_own(store):
    a = toy("a")
    b = toy("b", a, isolated=True)
    c = toy("c", b)
    d = toy("d", c, isolated=True)
    e = toy("e", d)
    _run(store, e, workers=1)
    pids = [(store.path(s) / "pid").read_text() for s in (a, b, c, d, e)]
    assert pids[0] == pids[2] == pids[4] != pids[1] == pids[3]


def test_stages_start_in_the_plans_order_inputs_first(store):
    early, late = toy("early", toy("root")), toy("late")
    others = [toy(f"other{i}") for i in range(6)]
    made = ["root", "early", "late", *(stage.name for stage in others)]
    assert _run(store, early, late, *others, workers=1)[1] == made


def test_a_chain_as_long_as_the_rest_goes_first(store):
    early, late = toy("early", toy("root")), toy("late", toy("below", expected_s=2), expected_s=9)
    assert _run(store, early, late, workers=1)[1] == ["below", "late", "root", "early"]


def test_remaining_chains_add_up_to_the_end(store):
    root = toy("root", expected_s=1)
    stages = [toy("short", expected_s=5), root, toy("tip", root, expected_s=9)]
    chains = remaining_chains(stages, expected_seconds(stages, store))
    assert [chains[s.key] for s in stages] == [5, 10, 9]


def test_expected_seconds_learn_from_the_store(store):
    done = toy("a", expected_s=2)
    store.work(done).mkdir(parents=True)
    store.publish(done, {}, wall_s=6.0, device="cpu")
    other = toy("b", expected_s=10)
    assert expected_seconds([other], store) == {other.key: 30.0}


_SCRIPT = """
import sys
from pathlib import Path
from toy_plan import toy
from bench.config.suite import RuntimeConfig
from bench.engine.store import Store
from bench.engine.display import PlainDisplay
from bench.engine.local import make_stages

if __name__ == "__main__":
    stages = [toy("slow", sleep_s=float(sys.argv[2]))]
    make_stages(stages, Store(Path(sys.argv[1])), RuntimeConfig(workers=1), PlainDisplay(), lambda stage: None)
"""


def _spawn(tmp_path: Path, store: Store, sleep_s: float) -> subprocess.Popen[str]:
    script = tmp_path / "script.py"
    script.write_text(_SCRIPT)
    toys = str(Path(__file__).parents[1] / "toys")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([toys, *sys.path])}
    command = [sys.executable, str(script), str(store.root), str(sleep_s)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def _await(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_workers_die_with_their_parent_and_leave_their_work(tmp_path, store, how):
    parent = _spawn(tmp_path, store, sleep_s=60)
    pid_file = store.work(toy("slow", sleep_s=60.0)) / "pid"
    _await(lambda: pid_file.exists() and pid_file.read_text())
    worker = int(pid_file.read_text())
    parent.send_signal(how)
    assert parent.wait() != 0
    _await(lambda: not _alive(worker))
    assert pid_file.exists()


def test_two_runs_share_a_store_and_make_a_stage_once(tmp_path, store):
    slow = toy("slow", sleep_s=3.0)
    other = _spawn(tmp_path, store, sleep_s=3)
    _await(lambda: (store.work(slow) / "pid").exists())
    outcome, done = _run(store, slow)
    assert done == ["slow"]
    assert other.wait() == 0
    assert outcome.failures == {}
    assert (store.path(slow) / "pid").exists()

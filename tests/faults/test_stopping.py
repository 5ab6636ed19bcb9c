"""Ctrl-C, SIGTERM and a terminal that goes away."""

import json
import os
import signal
import subprocess

import pytest
from toy_run import start, wait_until

from bench.core.records import read_parquet

SLOW = (1000, 0.05)  # a run that ends by being stopped


def _started(root):
    """A run whose cells have written checkpoints."""
    run = start(root, *SLOW)
    wait_until(lambda: list((root / "store").glob("cell/.work-*/checkpoint.json")))
    return run


def _state(root):
    return json.loads((root / "out" / "run.json").read_text())["state"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_ends_cleanly_with_run_folder_and_report(tmp_path, number):
    run = _started(tmp_path)
    run.signal_group(number)
    code, out, error = run.end()
    assert code == 128 + number
    assert error.startswith("stopped; give the same command again")
    assert error.count("\n") == 1
    assert "FAILED" not in out
    assert (tmp_path / "out" / "report.html").is_file()
    assert _state(tmp_path) == "stopped"
    assert list((tmp_path / "store").glob("cell/.work-*/checkpoint.json"))


def test_a_second_ctrl_c_stops_at_once(tmp_path):
    run = _started(tmp_path)
    run.signal_group(signal.SIGINT)
    run.signal_group(signal.SIGINT)
    code, _, error = run.end(10)
    assert code == 130
    assert "Traceback" not in error
    assert _state(tmp_path) == "stopped"


def test_sigterm_twice_is_sigterm_once(tmp_path):
    """`timeout` signals the command and then its whole group."""
    run = _started(tmp_path)
    os.kill(run.process.pid, signal.SIGTERM)
    run.signal_group(signal.SIGTERM)
    assert run.end()[0] == 143
    assert (tmp_path / "out" / "report.html").is_file()


def test_nohup_outlives_its_terminal_and_whoever_read_its_words(tmp_path):
    run = start(tmp_path, 20, 0.05, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    run.process.stdout.close()
    run.process.stderr.close()
    wait_until(lambda: (tmp_path / "store" / "cell").exists())
    run.signal_group(signal.SIGHUP)
    assert run.process.wait(60) == 0
    assert _state(tmp_path) == "done"


def test_a_run_with_closed_streams_writes_none_of_its_words_into_a_file(tmp_path):
    def close():
        for number in (0, 1, 2):
            os.close(number)

    run = start(tmp_path, 5, 0.01, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=close)
    assert run.process.wait(60) == 0
    assert _state(tmp_path) == "done"
    assert len(read_parquet(tmp_path / "out" / "rows.parquet")) == 15
    texts = [p for p in tmp_path.rglob("*") if p.is_file() and b"[1/4]" in p.read_bytes()]
    assert texts == []


_JUMPS = """
import itertools, time

_real, _jumps = time.time, itertools.cycle((0.0, 3e8, -3e8))
time.time = lambda: _real() + next(_jumps)
"""


def test_a_wall_clock_that_jumps_changes_nothing(tmp_path):
    (tmp_path / "clock").mkdir()
    (tmp_path / "clock" / "sitecustomize.py").write_text(_JUMPS)
    code, _, error = start(tmp_path, 3, 0.0, environment={"PYTHONPATH_FIRST": str(tmp_path / "clock")}).end()
    assert (code, error) == (0, "")
    stages = json.loads((tmp_path / "out" / "stages.json").read_text())
    assert all(0 <= stage["wall_s"] < 60 for stage in stages.values())
    assert start(tmp_path / "calm", 3, 0.0).end()[0] == 0
    for name in ("rows.parquet", "samples.parquet"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "calm" / "out" / name).read_bytes()

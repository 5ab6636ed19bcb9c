"""`python toy_run.py STEPS STEP_S key=value ...`: the command `bench run` over a plan of toy cells, and a handle on it.

Its report is a toy too: a real one takes longer to draw than all the rest. The handle starts the command in a session
of its own with a mark in its environment, which every descendant inherits: by it a test finds who is still alive.
The project is imported by who needs it: a worker loads this file, too, as it loads `bench`, and is to start as quickly.
"""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.pipeline.plan import Plan

TOYS = Path(__file__).parent
CELLS = ("one", "two", "three")


def plan(steps: int, step_s: float) -> "Plan":
    """Three resumable toy cells above one shared toy stage."""
    from bench.config.suite import SuiteConfig
    from bench.engine.stage import Stage
    from bench.pipeline.plan import Cell, Plan

    shared = Stage("toy", "shared", "toy_stage", {"name": "shared"})
    cells = {}
    for name in CELLS:
        static = {"cell": name, "method": "dpo", "beta": 0.1, "replicate": 0}
        config = {"cell": name, "steps": steps, "step_s": step_s}
        cells[name] = Cell(name, "dpo", Stage("cell", f"cell/{name}", "toy_steps", config, {"shared": shared}), static)
    return Plan(SuiteConfig(name="toy"), {"shared": shared}, cells)


def main() -> int:
    from bench import cli
    from bench.commands import run as running
    from bench.config.suite import RuntimeConfig

    running.refresh_report = _toy_report
    steps, step_s, *settings = sys.argv[1:]
    runtime = RuntimeConfig.model_validate({"workers": 2, **dict(word.split("=") for word in settings)})
    running.main = lambda words: running.execute(plan(int(steps), float(step_s)), runtime, "bench run toy")
    return cli.main(["run"])


def _toy_report(folder: Path) -> Path:
    (folder / "report.html").write_text("a toy")
    return folder / "report.html"


@dataclass
class Running:
    """A command under way."""

    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.mark = f"GOLDBENCH_TEST={uuid.uuid4()}"
        paths = [self.environment.get("PYTHONPATH_FIRST", ""), str(TOYS / "without_torch"), str(TOYS), *sys.path]
        name, _, value = self.mark.partition("=")
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            name: value,
            **self.environment,
        }
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **self.options}
        self.process = subprocess.Popen(self.command, env=environment, text=True, start_new_session=True, **streams)

    def pids(self) -> list[int]:
        """The command and all its descendants that live."""
        return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _is_marked(pid, self.mark)]

    def workers(self) -> list[int]:
        return [pid for pid in self.pids() if b"spawn_main" in _proc(pid, "cmdline")]

    def signal_group(self, number: int) -> None:
        """What a terminal does: everyone in it is told."""
        os.killpg(self.process.pid, number)

    def end(self, seconds: float = 60.0) -> tuple[int, str, str]:
        """Exit code and output, nobody being left behind."""
        out, error = self.process.communicate(timeout=seconds)
        wait_until(lambda: not self.pids(), 10.0)
        return self.process.returncode, out, error

    def kill(self, who: str) -> None:
        """SIGKILL: the command itself, its workers, or all."""
        pids = self.workers() if who == "workers" else [self.process.pid] if who == "parent" else self.pids()
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def start(root: Path, steps: int, step_s: float, out: str = "out", **options: Any) -> Running:
    """The toy run with its store and its run folder under `root`."""
    environment = options.pop("environment", {})
    settings = [f"store={root / 'store'}", f"out={root / out}"]
    command = [sys.executable, str(TOYS / "toy_run.py"), str(steps), str(step_s), *settings]
    return Running(command, environment, options)


def wait_until(condition: Callable[[], Any], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def _is_marked(pid: int, mark: str) -> bool:
    if mark.encode() not in _proc(pid, "environ").split(b"\0"):
        return False
    return _proc(pid, "stat").rpartition(b")")[2].split()[:1] not in ([], [b"Z"])


def _proc(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


if __name__ == "__main__":
    sys.exit(main())

"""What `bench run` does: plan, sweep, keep the run folder and its report fresh, sum up."""

import multiprocessing
import time
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from bench.config.suite import RuntimeConfig, SuiteConfig
from bench.core.stage import Stage
from bench.core.store import Store
from bench.display import choose_display, duration
from bench.pipeline.plan import Cell, Plan, build_plan
from bench.run_folder import RunFolder
from bench.sweep import Failure, Outcome, needed_stages, plan_stages, run_plan, worker_count
from reports import build

_REFRESH_S = 20.0


def run(suite: SuiteConfig, runtime: RuntimeConfig, command: str) -> int:
    """Run or resume a suite and write its report. Returns the exit code."""
    assert runtime.store is not None
    assert runtime.out is not None
    plan, store = build_plan(suite, runtime.threads), Store(runtime.store)
    folder = RunFolder(plan, store, runtime.out, command)
    folder.check()
    _announce(plan, store, runtime)
    folder.assemble("running", {})
    refresh = _Refresh(folder)
    outcome = Outcome()
    try:
        with choose_display() as display:
            outcome = run_plan(plan, store, runtime, display, refresh)
    except KeyboardInterrupt:
        folder.assemble("failed", {})
        raise
    finally:
        refresh.stop()
    bad = unsound(plan, store, outcome)
    folder.assemble("failed" if bad else "done", outcome.failures)
    report = build(folder.out)
    _sum_up(outcome, bad, folder.out, report)
    return 1 if bad else 0


def unsound(plan: Plan, store: Store, outcome: Outcome) -> dict[str, Failure]:
    """Cells without a sound end, by name: failed in this sweep, or stored with a divergence as their result."""
    found = {}
    for cell in plan.cells.values():
        if failure := outcome.failures.get(cell.stage.key) or _diverged(cell, store):
            found[cell.name] = failure
    return found


def _diverged(cell: Cell, store: Store) -> Failure | None:
    metrics: dict[str, Any] = store.manifest(cell.stage)["metrics"]
    status = metrics.get("status", "ok")
    return None if status == "ok" else Failure(cell.name, status, metrics.get("reason") or "see its rows")


@dataclass
class _Refresh:
    """Keeps the run folder and its report up with finished cells, in a process of its own, now and then.

    A report that fails here costs nothing: the last one is built in the open, when the run is over.
    """

    folder: RunFolder
    last: float = field(default_factory=time.monotonic)
    process: BaseProcess | None = None

    def __call__(self, stage: Stage) -> None:
        is_cell = any(cell.stage.key == stage.key for cell in self.folder.plan.cells.values())
        busy = self.process is not None and self.process.is_alive()
        if is_cell and not busy and time.monotonic() - self.last >= _REFRESH_S:
            self.folder.assemble("running", {})
            self.process = multiprocessing.get_context("spawn").Process(
                target=_build_quietly, args=(self.folder.out,), daemon=True
            )
            self.process.start()
            self.last = time.monotonic()

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.join()


def _build_quietly(out: Path) -> None:
    import os

    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    build(out)


def _announce(plan: Plan, store: Store, runtime: RuntimeConfig) -> None:
    needed, every = needed_stages(plan, store), plan_stages(plan)
    print(f"suite {plan.suite.name}: {len(plan.cells)} cells; {len(needed)} of {len(every)} stages to make ", end="")
    print(f"on {worker_count(runtime)} workers; store {store.root}")


def _sum_up(outcome: Outcome, bad: dict[str, Failure], out: Path, report: Path) -> None:
    print(f"made {outcome.made} stages in {duration(outcome.wall_s)}; run folder {out}")
    for figure in sorted((out / "figures").glob("*.png")):
        print(f"figure {figure}")
    print(f"report {report}")
    for name, failure in bad.items():
        print(f"{failure.status} {name}: {failure.reason}")

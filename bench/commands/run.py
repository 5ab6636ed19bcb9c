"""What `bench run` does: plan, sweep, keep the run folder, its report and W&B fresh, sum up."""

import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

from bench.config.suite import RuntimeConfig, SuiteConfig
from bench.engine.display import choose_display, duration, steady_output
from bench.engine.scheduler import Outcome, needed_stages, plan_stages, run_plan, worker_count
from bench.engine.stage import Stage
from bench.engine.stopping import StopRequest, deaf_children
from bench.engine.store import Store
from bench.engine.worker import die_with_parent
from bench.errors import ConfigError, StoreError
from bench.pipeline.plan import Plan, build_plan
from bench.runs.folder import RunFolder, bad_rows
from reports import refresh as refresh_report
from reports.wandb.session import Job, Target
from reports.wandb.sink import Sink

_REFRESH_S, _RARER, _RAREST_S = 10.0, 2.0, 300.0  # seconds of a core each, more as the run folder fills


def run(suite: SuiteConfig, runtime: RuntimeConfig, command: str) -> int:
    """Run or resume a suite and write its report. Returns the exit code."""
    assert runtime.store is not None
    plan = build_plan(suite, runtime.threads)
    if suite.losses and any(s.config.get("losses") for s in needed_stages(plan, Store(runtime.store))):
        _try_losses(suite.losses, runtime.plugin)
    return execute(plan, runtime, command)


def _try_losses(losses: Mapping[str, str], plugin: Path | None) -> None:
    """Load what people bring, in a process of its own, before an hour is spent on the models that it is to train."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        try:
            pool.submit(_load_losses, losses, plugin).result()
        except BrokenProcessPool:
            raise ConfigError(f"plugin={plugin}: loading {', '.join(losses)} ended the process that did it") from None


def _load_losses(losses: Mapping[str, str], plugin: Path | None) -> None:
    from bench.losses.plugins import own_losses

    own_losses(losses, plugin)


def execute(plan: Plan, runtime: RuntimeConfig, command: str) -> int:
    """Make what `plan` needs, its run folder and its report. Returns the exit code."""
    assert runtime.store is not None
    assert runtime.out is not None
    store = Store(runtime.store)
    folder = RunFolder(plan, store, runtime.out, command)
    folder.check()
    with steady_output(), StopRequest() as stop:
        try:
            folder.assemble({}, over=False)
            with _sink(folder, runtime) as sink:
                return _run(folder, runtime, sink, stop)
        except BaseException as error:
            folder.mark("failed" if isinstance(error, Exception) else "stopped")
            if isinstance(error, OSError) and not isinstance(error, StoreError):  # a full disk, say
                raise StoreError(f"{error}; finished stages are kept; give the same command again to resume") from error
            raise


def _run(folder: RunFolder, runtime: RuntimeConfig, sink: Sink, stop: StopRequest) -> int:
    outcome = _sweep(folder, runtime, sink, stop)
    if plan_stages(folder.plan) and not folder.store.root.is_dir():  # what the run folder has by now is worth more
        raise StoreError(f"the store {folder.store.root} was removed under the run")
    state = folder.assemble(outcome.failures, over=True, stopped=bool(stop))
    _sum_up(folder, outcome)
    if stop:
        print("stopped; give the same command again to go on from the last checkpoints", file=sys.stderr)
        return stop.exit_code
    sink.finish()
    return 0 if state == "done" else 1


def _sweep(folder: RunFolder, runtime: RuntimeConfig, sink: Sink, stop: StopRequest) -> Outcome:
    """Make what is missing; the report and W&B follow the cells as they finish."""
    plan, store, refresh = folder.plan, folder.store, _Refresh(folder)
    cells = {cell.stage.key: name for name, cell in plan.cells.items()}
    _announce(plan, store, runtime)
    sink.log([name for name, cell in plan.cells.items() if store.is_done(cell.stage)])

    def on_done(stage: Stage) -> None:
        if stage.key in cells:
            refresh()
            sink.log([cells[stage.key]])

    try:
        with choose_display() as display:
            return run_plan(plan, store, runtime, display, on_done, stop.__bool__)
    finally:
        refresh.stop()


def _sink(folder: RunFolder, runtime: RuntimeConfig) -> Sink:
    suite, cells = folder.plan.suite, folder.plan.cells
    jobs = {name: Job(cell.stage.key, folder.store.path(cell.stage)) for name, cell in cells.items()}
    return Sink(Target(runtime.wandb, folder.out, suite.name, suite.budgets, jobs))


@dataclass
class _Refresh:
    """Keeps the run folder and its report up with finished cells, in a process of its own, now and then.

    A refresh that fails costs nothing: the last one is made in the open, when the run is over.
    """

    folder: RunFolder
    last: float = field(default_factory=time.monotonic)
    process: BaseProcess | None = None
    pause_s: float = _REFRESH_S

    def __call__(self) -> None:
        busy = self.process is not None and self.process.is_alive()
        if not busy and time.monotonic() - self.last >= self.pause_s:
            spawn = multiprocessing.get_context("spawn")
            self.process = spawn.Process(target=_refresh_quietly, args=(self.folder,), daemon=True)
            with deaf_children():
                self.process.start()
            self.last, self.pause_s = time.monotonic(), min(_RARER * self.pause_s, _RAREST_S)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.join()


def _refresh_quietly(folder: RunFolder) -> None:
    threading.Thread(target=die_with_parent, daemon=True).start()
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    folder.assemble({}, over=False)
    with folder.lock():
        refresh_report(folder.out)


def _announce(plan: Plan, store: Store, runtime: RuntimeConfig) -> None:
    needed, every = needed_stages(plan, store), plan_stages(plan)
    print(f"suite {plan.suite.label}: {len(plan.cells)} cells; {len(needed)} of {len(every)} stages to make ", end="")
    print(f"on {worker_count(runtime)} workers; store {store.root}")


def _sum_up(folder: RunFolder, outcome: Outcome) -> None:
    print(f"made {outcome.made} stages in {duration(outcome.wall_s)}; run folder {folder.out}")
    for stage in plan_stages(folder.plan):
        failure = outcome.failures.get(stage.key)
        if failure is not None and failure.needs is None:
            print(f"{failure.status} {failure.name}: {failure.reason}")
            print(f"  what it printed: {folder.store.output(stage)}")
    for row in bad_rows(folder.out).itertuples():
        print(f"cell {row.cell} {row.status}: {row.reason}")
    with folder.lock():
        print(f"report {refresh_report(folder.out)}")
    for figure in sorted((folder.out / "figures").glob("*.png")):
        print(f"figure {figure}")

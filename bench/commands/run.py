"""`bench run`: plan, make stages, keep the run folder, its report and W&B up to date, sum up."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from bench.commands.json_lines import Emit, JsonDisplay, json_output, silent
from bench.commands.preflight import check
from bench.commands.refresh import Refresh
from bench.commands.streams import steady_output
from bench.commands.suite_options import SuiteOptions, read_suite
from bench.config.compose import run_key
from bench.config.suite import RuntimeConfig, SuiteConfig
from bench.engine.display import Display, choose_display, duration
from bench.engine.local import make_stages, worker_count
from bench.engine.scheduler import Outcome, needed_stages
from bench.engine.stage import Stage
from bench.engine.stopping import StopRequest
from bench.engine.store import Store
from bench.errors import StoreError, exit_code
from bench.pipeline.plan import Plan, build_plan, plan_stages
from bench.runs.folder import RunFolder, bad_rows
from bench.runs.keep import drop_policies
from reports import refresh as refresh_report
from reports.wandb.session import Job, Target
from reports.wandb.sink import Sink


class RunOptions(SuiteOptions):
    """Run or resume a suite, then write its report. Finished stages are never made again.

    With --json: start, progress, done and failed events of stages, then one end event with the exit code.
    """

    example: ClassVar[tuple[str, ...]] = (
        "bench run suite=smoke",
        "bench run suite=overopt 'method.dpo.beta=[.03,.1]' replicates=3 workers=2",
        "bench run runs/smoke-0123abcd/config.json",
    )


OPTIONS = RunOptions


def main(words: Sequence[str]) -> int:
    suite, runtime, rest, wants_json = read_suite(words, RunOptions)
    with json_output(wants_json) as emit:
        return run(suite, runtime, f"bench run {shlex.join(rest)}", emit)


def run(suite: SuiteConfig, runtime: RuntimeConfig, command: str, emit: Emit = silent) -> int:
    """Run or resume a suite and write its report. Returns the exit code."""
    assert runtime.store is not None
    plan = build_plan(suite, runtime.threads)
    check(suite, runtime, needed_stages(plan_stages(plan), Store(runtime.store)))
    return execute(plan, runtime, command, emit)


def execute(plan: Plan, runtime: RuntimeConfig, command: str, emit: Emit = silent) -> int:
    """Make what `plan` needs, its run folder and its report. Returns the exit code."""
    assert runtime.store is not None
    assert runtime.out is not None
    folder = RunFolder(plan, Store(runtime.store), runtime.out, command)
    folder.check()
    with steady_output(), StopRequest() as stop:
        try:
            folder.assemble({}, over=False)
            with _sink(folder, runtime) as sink:
                return _run(folder, runtime, sink, stop, emit)
        except BaseException as error:
            state = "failed" if isinstance(error, Exception) else "stopped"
            folder.mark(state)
            emit({**_end(folder, state, exit_code(error)), "reason": " ".join(str(error).split())})
            if isinstance(error, OSError) and not isinstance(error, StoreError):  # a full disk, say
                raise StoreError(f"{error}; finished stages are kept; give the same command again to resume") from error
            raise


def _run(folder: RunFolder, runtime: RuntimeConfig, sink: Sink, stop: StopRequest, emit: Emit) -> int:
    outcome = _make(folder, runtime, sink, stop, emit)
    if plan_stages(folder.plan) and not folder.store.root.is_dir():  # the run folder now holds more than an empty store
        raise StoreError(f"the store {folder.store.root} was removed under the run")
    state = folder.assemble(outcome.failures, over=True, stopped=bool(stop))
    _sum_up(folder, outcome)
    if stop:
        print("stopped; give the same command again to go on from the last checkpoints", file=sys.stderr)
    else:
        sink.finish()
    code = stop.exit_code if stop else 0 if state == "done" else 1
    emit(_end(folder, state, code))
    return code


def _make(folder: RunFolder, runtime: RuntimeConfig, sink: Sink, stop: StopRequest, emit: Emit) -> Outcome:
    """Make what is missing; the report and W&B follow the cells as they finish."""
    plan, store, refresh = folder.plan, folder.store, Refresh(folder)
    cells = {cell.stage.key: name for name, cell in plan.cells.items()}
    _announce(plan, store, runtime)
    sink.log([name for name, cell in plan.cells.items() if store.is_done(cell.stage)])

    def on_done(stage: Stage) -> None:
        if stage.key in cells:
            drop_policies(plan, plan.cells[cells[stage.key]], store)
            refresh()
            sink.log([cells[stage.key]])

    try:
        with _display(emit) as display:
            return make_stages(plan_stages(plan), store, runtime, display, on_done, stop.__bool__)
    finally:
        refresh.stop()


def _display(emit: Emit) -> Display:
    return choose_display() if emit is silent else JsonDisplay(choose_display(), emit)


def _sink(folder: RunFolder, runtime: RuntimeConfig) -> Sink:
    suite, cells = folder.plan.suite, folder.plan.cells
    jobs = {
        name: Job(cell.stage.key, folder.store.path(cell.stage), dict(cell.identity)) for name, cell in cells.items()
    }
    return Sink(Target(runtime.wandb, folder.out, suite.name, suite.budgets, jobs, run_key(suite)))


def _announce(plan: Plan, store: Store, runtime: RuntimeConfig) -> None:
    every = plan_stages(plan)
    needed = needed_stages(every, store)
    print(f"suite {plan.suite.label}: {len(plan.cells)} cells; {len(needed)} of {len(every)} stages to make ", end="")
    print(f"on {worker_count(runtime)} workers; store {store.root}")


def _sum_up(folder: RunFolder, outcome: Outcome) -> None:
    print(f"made {outcome.made} stages in {duration(outcome.wall_s)}; run folder {folder.out}")
    for stage in plan_stages(folder.plan):
        failure = outcome.failures.get(stage.key)
        if failure is not None and failure.needs is None:
            print(f"{failure.status} {failure.name}: {failure.reason}")
            print(f"  its output: {folder.store.output(stage)}")
    for row in bad_rows(folder.out).itertuples():
        print(f"cell {row.cell} {row.status}: {row.reason}")
    with folder.lock():
        print(f"report {refresh_report(folder.out)}")
    for figure in sorted((folder.out / "figures").glob("*.png")):
        print(f"figure {figure}")


def _end(folder: RunFolder, state: str, code: int) -> dict[str, object]:
    """The last record of `bench run --json`."""
    page: Path = folder.out / "report.html"
    report = str(page) if page.is_file() else None
    return {"event": "end", "state": state, "run": str(folder.out), "report": report, "exit": code}

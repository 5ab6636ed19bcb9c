"""`bench plan`: every stage of a suite, the cached ones, and the expected time. Runs nothing."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Literal

from rich.console import Console
from rich.table import Table

from bench.commands.json_lines import Emit, json_output, silent
from bench.commands.suite_options import SuiteOptions, read_suite
from bench.config.suite import RuntimeConfig, SuiteConfig
from bench.engine.display import duration
from bench.engine.local import worker_count
from bench.engine.scheduler import expected_seconds, needed_stages, remaining_chains
from bench.engine.stage import Stage
from bench.engine.store import Store
from bench.pipeline.plan import build_plan, plan_stages

State = Literal["cached", "not needed", "resumes", "to make"]


class PlanOptions(SuiteOptions):
    """List the stages and cells of a suite, the cached ones, and the expected time of the rest. Runs nothing.

    With --json: one record for each stage, then a summary.
    """

    example: ClassVar[tuple[str, ...]] = ("bench plan suite=overopt scale=full workers=8",)


OPTIONS = PlanOptions


def main(words: Sequence[str]) -> int:
    suite, runtime, _, wants_json = read_suite(words, PlanOptions)
    with json_output(wants_json) as emit:
        show_plan(suite, runtime, emit)
    return 0


def show_plan(suite: SuiteConfig, runtime: RuntimeConfig, emit: Emit = silent) -> None:
    """Print every stage, cells last, and a summary."""
    assert runtime.store is not None
    plan, store, workers = build_plan(suite, runtime.threads), Store(runtime.store), worker_count(runtime)
    every = plan_stages(plan)
    needed = needed_stages(every, store)
    seconds = expected_seconds(needed, store)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("stage", "key", "state"):
        table.add_column(title, no_wrap=True)
    table.add_column("expected", justify="right")
    for stage in every:
        state, expected_s = _state(stage, store, seconds), seconds.get(stage.key, 0.0)
        table.add_row(stage.name, stage.key[:8], state, _expected(stage, store, state, expected_s))
        emit({"event": "stage", "stage": stage.name, "key": stage.key, "state": state, "expected_s": expected_s})
    total_s, work_s = total_seconds(needed, seconds, workers), sum(seconds.values(), 0.0)
    Console().print(table)
    made = f"{len(plan.cells)} cells, {len(needed)} of {len(every)} stages to make"
    took = f"{duration(total_s)} on {workers} workers"
    print(f"suite {suite.label}: {made}, expected to take {took} ({duration(work_s)} of work)")
    print(f"run folder {runtime.out}, store {runtime.store}")
    summary: dict[str, Any] = {"event": "summary", "suite": suite.name, "scale": suite.scale}
    counts = {"cells": len(plan.cells), "stages": len(every), "to_make": len(needed)}
    times = {"expected_s": total_s, "work_s": work_s, "workers": workers}
    emit({**summary, **counts, **times, "run": str(runtime.out), "store": str(runtime.store)})


def total_seconds(needed: Iterable[Stage], seconds: dict[str, float], workers: int) -> float:
    """A lower estimate of the whole: the longest chain, or all work shared evenly."""
    chains = remaining_chains(needed, seconds)
    return max(max(chains.values(), default=0.0), sum(seconds.values()) / workers)


def _state(stage: Stage, store: Store, seconds: dict[str, float]) -> State:
    if store.is_done(stage):
        return "cached"
    if stage.key not in seconds:
        return "not needed"
    return "resumes" if store.work(stage).exists() else "to make"


def _expected(stage: Stage, store: Store, state: State, expected_s: float) -> str:
    if state == "cached":
        return f"({duration(store.manifest(stage)['wall_s'])})"
    return "" if state == "not needed" else duration(expected_s)

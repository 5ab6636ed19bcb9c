"""The scheduler: gives stages to an executor, inputs first and otherwise in the plan's order.

That order brings the first cells, and so the report's first curves, as early as can be. Towards the end the longest
chain of stages goes first, so that no slot waits for another. A stage that fails, diverges or loses its worker fails
what needs it, with the reason; everything else finishes. On stop, finished stages are kept and running cells resume
from their last checkpoint. The scheduler never loads torch, and knows neither suites nor plans.
"""

import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bench.engine.display import Display
from bench.engine.executor import Executor, Progressed, Result
from bench.engine.stage import Stage
from bench.engine.stopping import Stop, never
from bench.engine.store import Store

_TICK_S = 0.5  # how often progress is read while nothing ends
_PRESSING = 4.0  # a chain goes first once all that waits, shared evenly, takes at most this many times as long


@dataclass(frozen=True)
class Failure:
    """The reason why a stage is absent. `status` is the status of its null row: failed or diverged."""

    name: str
    status: str
    reason: str
    needs: str | None = None  # the stage that failed, where it is another


@dataclass
class Outcome:
    """The result of `schedule`; keys of `failures` are stage keys."""

    made: int = 0
    wall_s: float = 0.0
    failures: dict[str, Failure] = field(default_factory=dict)


def with_inputs(stages: Iterable[Stage]) -> list[Stage]:
    """The stages and everything that they need, inputs first, each key once."""
    return list({stage.key: stage for top in stages for stage in top.closure()}.values())


def needed_stages(stages: Iterable[Stage], store: Store) -> list[Stage]:
    """The stages to make, inputs first: the last of `stages` and, where the store lacks them, what those need."""
    every = with_inputs(stages)
    consumed = {needed.key for stage in every for needed in stage.inputs.values()}
    found: dict[str, Stage] = {}

    def visit(stage: Stage, stored: Callable[[Stage], bool]) -> None:
        if stage.key not in found and not stored(stage):
            for needed in stage.inputs.values():
                visit(needed, store.is_whole)
            found[stage.key] = stage

    for stage in every:
        if stage.key not in consumed:
            visit(stage, store.is_done)
    return list(found.values())


def refused_stages(stages: Iterable[Stage], store: Store) -> dict[str, Failure]:
    """Stored stages that do not pass their gate, and everything that needs them, by key."""
    refused: dict[str, Failure] = {}
    for stage in with_inputs(stages):
        cause = next((refused[needed.key] for needed in stage.inputs.values() if needed.key in refused), None)
        if cause is not None:
            refused[stage.key] = _needs(stage, cause)
        elif stage.gate is not None and store.is_done(stage) and (reason := _missed(stage, store)):
            refused[stage.key] = Failure(stage.name, "failed", reason)
    return refused


def _missed(stage: Stage, store: Store) -> str | None:
    return stage.gate.reason(store.manifest(stage)["metrics"]) if stage.gate else None


def _needs(stage: Stage, cause: Failure) -> Failure:
    """The failure of a stage that needs a failed one."""
    reason = cause.reason if cause.needs else f"{cause.name} {cause.status}: {cause.reason}"
    return Failure(stage.name, "failed", reason, needs=cause.needs or cause.name)


def expected_seconds(stages: Iterable[Stage], store: Store) -> dict[str, float]:
    """Seconds by key: the stage's estimate, times the median error of stored stages of its kind."""
    ratios: dict[str, float] = {}
    for stage in (stages := list(stages)):
        if stage.kind not in ratios:
            known = [m["wall_s"] / m["expected_s"] for m in store.manifests(stage.kind) if m["expected_s"]]
            ratios[stage.kind] = statistics.median(known) if known else 1.0
    return {stage.key: stage.expected_s * ratios[stage.kind] for stage in stages}


def remaining_chains(stages: Iterable[Stage], seconds: Mapping[str, float]) -> dict[str, float]:
    """Seconds from each stage's start to the end of the longest chain that needs it. Inputs come first in `stages`."""
    after: dict[str, float] = {}
    chains: dict[str, float] = {}
    for stage in reversed(list(stages)):
        chains[stage.key] = seconds[stage.key] + after.get(stage.key, 0.0)
        for needed in stage.inputs.values():
            after[needed.key] = max(after.get(needed.key, 0.0), chains[stage.key])
    return chains


def schedule(
    stages: Sequence[Stage],
    store: Store,
    executor: Executor,
    display: Display,
    on_done: Callable[[Stage], None],
    stop: Stop = never,
) -> Outcome:
    """Make what `stages` need and the store lacks, until `stop`; then stop the executor.

    `on_done` is called in this process as soon as each stage is in the store.
    """
    started = time.monotonic()
    refused = refused_stages(stages, store)
    needed = [stage for stage in needed_stages(stages, store) if stage.key not in refused]
    seconds = expected_seconds(needed, store)
    display.begin(seconds, executor.slots)
    run = _Run(needed, seconds, store, executor, display, on_done)
    run.outcome.failures |= refused
    try:
        run.until(stop)
    finally:
        executor.stop()
    run.outcome.wall_s = time.monotonic() - started
    return run.outcome


class _Run:
    """The state of one call of `schedule`: waiting stages, running ones, and the results of the rest."""

    def __init__(
        self,
        stages: Iterable[Stage],
        seconds: Mapping[str, float],
        store: Store,
        executor: Executor,
        display: Display,
        on_done: Callable[[Stage], None],
    ) -> None:
        self.waiting = {stage.key: stage for stage in stages}
        self.unfinished = set(self.waiting)  # neither done nor failed
        self.running = 0
        self.seconds, self.chains = seconds, remaining_chains(self.waiting.values(), seconds)
        self.store, self.executor, self.display, self.on_done = store, executor, display, on_done
        self.outcome = Outcome()

    def until(self, stop: Stop) -> None:
        while self.unfinished and not stop():
            while self.running < self.executor.slots and (stage := self._next_ready()):
                self.display.started(stage)
                self.executor.submit(stage)
                self.running += 1
            for event in self.executor.poll(_TICK_S):
                if stop():  # what ends from here on was stopped; it did not fail
                    break
                if isinstance(event, Progressed):
                    self.display.progressed(event.stage, event.values)
                else:
                    self._end(event.stage, event.result)

    def _next_ready(self) -> Stage | None:
        """The next stage whose inputs are in the store; the longest chain's if it decides the end."""
        ready = [
            key
            for key, stage in self.waiting.items()
            if not any(needed.key in self.unfinished for needed in stage.inputs.values())
        ]
        if not ready:
            return None
        longest = max(ready, key=self.chains.__getitem__)
        left = sum(self.seconds[key] for key in self.waiting) / self.executor.slots
        return self.waiting.pop(longest if self.chains[longest] * _PRESSING >= left else ready[0])

    def _end(self, stage: Stage, result: Result) -> None:
        self.running -= 1
        self.unfinished.discard(stage.key)
        missed = _missed(stage, self.store) if result.status == "ok" else None
        if missed:
            self._fail(stage, Result("failed", missed))
        elif result.status == "ok":
            self.outcome.made += 1
            self.display.finished(stage, result.wall_s)
            self.on_done(stage)
        else:
            self._fail(stage, result)

    def _fail(self, stage: Stage, result: Result) -> None:
        """Fail a stage and what needs it. In `waiting` every stage comes after its inputs.

        A stage that reads what the failed one left behind still runs, and fails for the same reason at its end.
        """
        failures = self.outcome.failures
        cause = next((needed.name for needed in stage.inputs.values() if needed.key in failures), None)
        failures[stage.key] = Failure(stage.name, result.status, result.reason, needs=cause)
        self.display.failed(stage, result.reason)
        readers = {k for k, other in self.waiting.items() if other.reads_partial == stage.key}
        if readers and not self.store.publish_partial(stage, result.reason):
            readers = set()
        lost = {stage.key}
        for key, other in list(self.waiting.items()):
            if key not in readers and any(needed.key in lost for needed in other.inputs.values()):
                lost.add(key)
                self.unfinished.discard(key)
                del self.waiting[key]
                failures[key] = _needs(other, Failure(stage.name, result.status, result.reason))
                self.display.failed(other, f"needs {stage.name}")

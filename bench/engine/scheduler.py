"""The sweep: runs the stages of a plan on workers, inputs first, in the plan's order until time presses.

That order brings the first cells, and so the report's first curves, as early as can be. Towards the end
the longest chain of stages goes first, so that no core waits for another. The parent schedules only; it
never loads torch. A stage that fails, diverges or loses its worker fails what needs it, with the reason;
everything else finishes. Who asks to stop gets what is finished: the rest stays at its last checkpoint.
`running` calls `run_plan`.
"""

import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import wait

from bench.config.suite import RuntimeConfig
from bench.engine.display import Display
from bench.engine.provenance import cpu_count
from bench.engine.stage import Stage
from bench.engine.stopping import Stop, never
from bench.engine.store import Store
from bench.engine.worker import Answer, Setup, Worker
from bench.pipeline.plan import Plan, plan_stages

_TICK_S = 0.5  # how often progress is read while nothing ends
_PRESSING = 4.0  # a chain goes first once all that waits, shared evenly, takes at most this many times as long


@dataclass(frozen=True)
class Failure:
    """Why a stage is not there. `status` is what its null row says: failed or diverged."""

    name: str
    status: str
    reason: str
    needs: str | None = None  # the stage that failed, where it is another


@dataclass
class Outcome:
    """What a sweep did; keys of `failures` are stage keys."""

    made: int = 0
    wall_s: float = 0.0
    failures: dict[str, Failure] = field(default_factory=dict)


def needed_stages(plan: Plan, store: Store) -> list[Stage]:
    """What has to be made, inputs first: the plan's last stages and, where they are absent, what they need."""
    stages = plan_stages(plan)
    consumed = {needed.key for stage in stages for needed in stage.inputs.values()}
    found: dict[str, Stage] = {}

    def visit(stage: Stage) -> None:
        if stage.key not in found and not store.is_done(stage):
            for needed in stage.inputs.values():
                visit(needed)
            found[stage.key] = stage

    for stage in stages:
        if stage.key not in consumed:
            visit(stage)
    return list(found.values())


def expected_seconds(stages: Iterable[Stage], store: Store) -> dict[str, float]:
    """Seconds by key: the stage's own guess, times how wrong such guesses were for stored stages of its kind."""
    ratios: dict[str, float] = {}
    for stage in (stages := list(stages)):
        if stage.kind not in ratios:
            known = [m["wall_s"] / m["expected_s"] for m in store.manifests(stage.kind) if m["expected_s"]]
            ratios[stage.kind] = statistics.median(known) if known else 1.0
    return {stage.key: stage.expected_s * ratios[stage.kind] for stage in stages}


def remaining_chains(stages: Iterable[Stage], seconds: Mapping[str, float]) -> dict[str, float]:
    """Seconds from each stage's start to the end of the longest chain that hangs on it. Inputs come first."""
    after: dict[str, float] = {}
    chains: dict[str, float] = {}
    for stage in reversed(list(stages)):
        chains[stage.key] = seconds[stage.key] + after.get(stage.key, 0.0)
        for needed in stage.inputs.values():
            after[needed.key] = max(after.get(needed.key, 0.0), chains[stage.key])
    return chains


def worker_count(runtime: RuntimeConfig) -> int:
    return runtime.workers or max(1, cpu_count() // runtime.threads)


def run_plan(
    plan: Plan,
    store: Store,
    runtime: RuntimeConfig,
    display: Display,
    on_done: Callable[[Stage], None],
    stop: Stop = never,
) -> Outcome:
    """Make what the plan needs, until `stop`. `on_done` is called in this process as each stage is there."""
    started = time.monotonic()
    stages = needed_stages(plan, store)
    if stages:
        store.open()
    setup = Setup(store, runtime.threads, runtime.device, runtime.plugin)
    seconds = expected_seconds(stages, store)
    sweep = _Sweep(stages, seconds, worker_count(runtime), setup, display, on_done)
    display.begin(seconds, sweep.workers)
    try:
        sweep.run(stop)
    finally:
        sweep.stop()
    sweep.outcome.wall_s = time.monotonic() - started
    return sweep.outcome


class _Sweep:
    """The state of one sweep: what waits, who works, what became of the rest."""

    def __init__(
        self,
        stages: list[Stage],
        seconds: Mapping[str, float],
        workers: int,
        setup: Setup,
        display: Display,
        on_done: Callable[[Stage], None],
    ) -> None:
        self.waiting = {stage.key: stage for stage in stages}
        self.open = set(self.waiting)  # neither done nor failed
        self.seconds, self.chains = seconds, remaining_chains(stages, seconds)
        self.workers = workers
        self.setup, self.display, self.on_done = setup, display, on_done
        self.busy: list[Worker] = []
        self.idle: list[Worker] = []
        self.retired: list[Worker] = []
        self.outcome = Outcome()

    def run(self, stop: Stop) -> None:
        while self.open and not stop():
            while len(self.busy) < self.workers and (stage := self._next_ready()):
                self._start(stage)
            self._warm_up()
            ready = wait([worker.connection for worker in self.busy], timeout=_TICK_S)
            for worker in list(self.busy):
                if stop():  # a worker that dies now was told to, with its parent
                    break
                if worker.connection in ready:
                    self._end(worker)
                elif event := worker.tail.latest():
                    assert worker.stage is not None
                    self.display.progressed(worker.stage, event)

    def stop(self) -> None:
        workers = [*self.busy, *self.idle, *self.retired]
        for worker in workers:
            worker.stop()
        for worker in workers:
            worker.join()

    def _next_ready(self) -> Stage | None:
        """The plan's next stage whose inputs are there; the one with the longest chain where that chain presses."""
        ready = [
            key
            for key, stage in self.waiting.items()
            if not any(needed.key in self.open for needed in stage.inputs.values())
        ]
        if not ready:
            return None
        longest = max(ready, key=self.chains.__getitem__)
        left = sum(self.seconds[key] for key in self.waiting) / self.workers
        return self.waiting.pop(longest if self.chains[longest] * _PRESSING >= left else ready[0])

    def _start(self, stage: Stage) -> None:
        self.idle = [worker for worker in self.idle if worker.is_alive]
        fit = [worker for worker in self.idle if worker.company in (None, stage.company)]
        if fit:
            worker = min(fit, key=lambda worker: worker.is_fresh)  # fresh ones are for stages that no other may make
            self.idle.remove(worker)
        else:
            worker = Worker(self.setup)
        try:
            worker.give(stage)
        except OSError:  # killed while it had nothing to do: nothing is lost
            self.retired.append(worker)
            worker = Worker(self.setup)
            worker.give(stage)
        self.busy.append(worker)
        self.display.started(stage)

    def _warm_up(self) -> None:
        """Where a core has nothing to do, begin the process that a coming stage will want."""
        fresh = [worker for worker in self.idle if worker.is_fresh]
        at_hand = {worker.company for worker in self.idle}
        coming = next((stage for stage in self.waiting.values() if stage.company not in at_hand), None)
        if coming is not None and len(self.busy) + len(fresh) < self.workers:
            self.idle.append(Worker(self.setup, warm=coming.run))

    def _end(self, worker: Worker) -> None:
        stage = worker.stage
        assert stage is not None
        answer = worker.answer()
        self.busy.remove(worker)
        wanted = any(other.company == stage.company for other in self.waiting.values())
        if not wanted or answer.status != "ok":  # an error may leave a process (its GPU) unfit
            worker.stop()
            self.retired.append(worker)
        else:
            self.idle.append(worker)
        self.open.discard(stage.key)
        if answer.status == "ok":
            self.outcome.made += 1
            self.display.finished(stage, answer.wall_s)
            self.on_done(stage)
        else:
            self._fail(stage, answer)

    def _fail(self, stage: Stage, answer: Answer) -> None:
        """Fail a stage, and with it all that needs it. In `waiting` every stage stands after its inputs."""
        self.outcome.failures[stage.key] = Failure(stage.name, answer.status, answer.reason)
        self.display.failed(stage, answer.reason)
        lost = {stage.key}
        for key, other in list(self.waiting.items()):
            if any(needed.key in lost for needed in other.inputs.values()):
                lost.add(key)
                self.open.discard(key)
                del self.waiting[key]
                reason = f"{stage.name} {answer.status}: {answer.reason}"
                self.outcome.failures[key] = Failure(other.name, "failed", reason, needs=stage.name)
                self.display.failed(other, f"needs {stage.name}")

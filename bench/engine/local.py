"""Worker processes on this machine, as an executor.

A worker makes stages of one process group only: TRL reseeds the global generators, so its fits share a process with
their like alone. `make_stages` is how commands, tests and benchmarks run stages here.
"""

from collections.abc import Callable, Iterable, Sequence
from multiprocessing.connection import wait
from typing import final

from bench.config.suite import RuntimeConfig
from bench.engine.attempt import Setup
from bench.engine.display import Display
from bench.engine.executor import Ended, Event, Executor, Progressed
from bench.engine.provenance import cpu_count
from bench.engine.scheduler import Outcome, needed_stages, schedule
from bench.engine.stage import Stage
from bench.engine.stopping import Stop, never
from bench.engine.store import Store
from bench.engine.worker import Worker


def worker_count(runtime: RuntimeConfig) -> int:
    """`workers`, or one for each `threads` cores."""
    return runtime.workers or max(1, cpu_count() // runtime.threads)


def make_stages(
    stages: Sequence[Stage],
    store: Store,
    runtime: RuntimeConfig,
    display: Display,
    on_done: Callable[[Stage], None],
    stop: Stop = never,
) -> Outcome:
    """Make what `stages` need on worker processes, as `schedule` does. Raises ConfigError for an unwritable store."""
    needed = needed_stages(stages, store)
    if needed:
        store.open()
    setup = Setup(store, runtime.threads, runtime.device, runtime.plugin)
    return schedule(stages, store, LocalExecutor(setup, worker_count(runtime), needed), display, on_done, stop)


@final
class LocalExecutor(Executor):
    """At most `slots` worker processes at work.

    `coming` lists the stages that may be submitted. While a slot is free, a new worker imports the code of the first
    of them that no idle worker can take; and a worker exits when none of them is of its group.
    """

    def __init__(self, setup: Setup, slots: int, coming: Iterable[Stage] = ()) -> None:
        self.setup, self.slots = setup, slots
        self.coming = {stage.key: stage for stage in coming}
        self.busy: list[Worker] = []
        self.idle: list[Worker] = []
        self.retired: list[Worker] = []

    def submit(self, stage: Stage) -> None:
        self.coming.pop(stage.key, None)
        self.idle = [worker for worker in self.idle if worker.is_alive]
        worker = next((worker for worker in self.idle if worker.group == stage.process_group), None)
        if worker is None:
            worker = Worker(self.setup, stage.process_group)
        else:
            self.idle.remove(worker)
        try:
            worker.send(stage)
        except OSError:  # killed while it waited: nothing is lost
            self.retired.append(worker)
            worker = Worker(self.setup, stage.process_group)
            worker.send(stage)
        self.busy.append(worker)

    def poll(self, timeout_s: float) -> list[Event]:
        self._preload()
        ready = wait([worker.connection for worker in self.busy], timeout_s)
        events: list[Event] = []
        for worker in list(self.busy):
            assert worker.stage is not None
            if worker.connection in ready:
                events.append(self._end(worker, worker.stage))
            elif values := worker.tail.latest():
                events.append(Progressed(worker.stage, values))
        return events

    def stop(self) -> None:
        workers = [*self.busy, *self.idle, *self.retired]
        for worker in workers:
            worker.stop()
        for worker in workers:
            worker.join()

    def _preload(self) -> None:
        """Use a free slot to start the worker that a coming stage will need."""
        groups = {worker.group for worker in self.idle}
        coming = next((stage for stage in self.coming.values() if stage.process_group not in groups), None)
        loading = sum(not worker.served for worker in self.idle)
        if coming is not None and len(self.busy) + loading < self.slots:
            self.idle.append(Worker(self.setup, coming.process_group, preload=coming.run))

    def _end(self, worker: Worker, stage: Stage) -> Ended:
        result = worker.receive()
        self.busy.remove(worker)
        wanted = any(other.process_group == worker.group for other in self.coming.values())
        if wanted and result.status == "ok":
            self.idle.append(worker)
        else:  # an error may leave a process (its GPU) unfit
            worker.stop()
            self.retired.append(worker)
        return Ended(stage, result)

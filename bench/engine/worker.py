"""A worker: a spawned process that makes stages one after another, and the parent's handle on it.

The child sets its threads before torch is loaded, ignores the signals that its parent acts on, and dies with its
parent. `local` decides how many workers there are and which stage each one makes.
"""

import importlib
import multiprocessing
import os
import threading
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path

from bench.engine.attempt import Setup, attempt
from bench.engine.executor import Result
from bench.engine.plugin import use_plugin
from bench.engine.progress import ProgressTail
from bench.engine.stage import Stage
from bench.engine.stopping import block_signals

_SPAWN = multiprocessing.get_context("spawn")
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass(eq=False)
class Worker:
    """The parent's handle on a worker for the stages of one process group.

    `preload` names a module to import before the first stage comes, which takes seconds. `stage` is the stage in
    work, None while the worker waits.
    """

    setup: Setup
    group: str
    preload: str | None = None
    stage: Stage | None = None
    served: bool = False
    tail: ProgressTail = field(default_factory=lambda: ProgressTail(Path()))

    def __post_init__(self) -> None:
        self.connection, theirs = _SPAWN.Pipe()
        self.process = _SPAWN.Process(target=_serve, args=(theirs, self.setup, self.preload), name="goldbench-worker")
        with block_signals():
            self.process.start()
        theirs.close()

    def send(self, stage: Stage) -> None:
        """Begin a stage. Raises OSError when the process died while it waited."""
        self.stage, self.served = stage, True
        self.tail = ProgressTail(self.setup.store.progress(stage))
        self.connection.send(stage)

    def receive(self) -> Result:
        """The result of the stage in work. Blocks until the stage or the process has ended."""
        self.stage = None
        try:
            return self.connection.recv()
        except (EOFError, ConnectionResetError):
            self.process.join()
            code = self.process.exitcode or 0
            return Result("failed", f"worker died ({f'signal {-code}' if code < 0 else f'exit code {code}'})")

    @property
    def is_alive(self) -> bool:
        return self.process.is_alive()

    def stop(self) -> None:
        """Let a waiting worker exit; kill one that works or still loads. A work folder stays for the next attempt."""
        self.connection.close()
        if self.stage is not None or not self.served:
            self.process.kill()

    def join(self) -> None:
        self.process.join(5)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _serve(connection: Connection, setup: Setup, preload: str | None) -> None:
    """The child's loop; it ends when the parent closes the pipe or dies."""
    from tqdm import tqdm

    threading.Thread(target=die_with_parent, daemon=True).start()
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, str(setup.threads)))
    os.environ.update(HF_HUB_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false")
    use_plugin(setup.plugin)
    tqdm.set_lock(threading.RLock())  # the default is a system semaphore, which a killed worker would leave behind
    if preload is not None:
        importlib.import_module(preload)
    while True:
        try:
            stage = connection.recv()
        except EOFError:
            return
        connection.send(attempt(stage, setup, redirect_output=True))


def die_with_parent() -> None:
    """Run in a thread of a child: end the process as soon as its parent has ended, in whatever way."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)

"""A worker: a spawned process that makes stages one after another, and the parent's handle on it.

The child resolves a stage's inputs in the store, runs it under its key's lock, publishes it and
answers. It sets its threads before torch is loaded, hears no signal of its parent's and dies with it.
Which stage runs when is `sweep`'s business.
"""

import contextlib
import importlib
import multiprocessing
import os
import sys
import threading
import time
import traceback
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Literal

from bench.engine.plugin import use_plugin
from bench.engine.progress import ProgressLog, ProgressTail
from bench.engine.stage import Context, Stage, resolve
from bench.engine.stopping import deaf_children
from bench.engine.store import Store
from bench.errors import ConfigError, DivergedError, GoldbenchError, StoreError

_SPAWN = multiprocessing.get_context("spawn")
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass(frozen=True)
class Answer:
    """How a stage ended. `wall_s` is 0 when another process had made it."""

    status: Literal["ok", "failed", "diverged"]
    reason: str = ""
    wall_s: float = 0.0


@dataclass(frozen=True)
class Setup:
    """What a worker is told once."""

    store: Store
    threads: int
    device: Literal["auto", "cpu", "cuda"]
    plugin: Path | None = None


@dataclass(eq=False)
class Worker:
    """The parent's handle. `stage` is what the worker is making, None while it waits.

    `warm` names a module to load before the first stage comes: that takes seconds, best spent early.
    """

    setup: Setup
    warm: str | None = None
    stage: Stage | None = None
    company: str | None = None  # of the stages that it makes; None before the first
    tail: ProgressTail = field(default_factory=lambda: ProgressTail(Path()))

    def __post_init__(self) -> None:
        self.connection, theirs = _SPAWN.Pipe()
        self.process = _SPAWN.Process(target=_serve, args=(theirs, self.setup, self.warm), name="goldbench-worker")
        with deaf_children():
            self.process.start()
        theirs.close()

    @property
    def is_fresh(self) -> bool:
        return self.company is None

    def give(self, stage: Stage) -> None:
        """Raises OSError when the process has died while it waited."""
        self.stage, self.company = stage, stage.company
        self.tail = ProgressTail(self.setup.store.progress(stage))
        self.connection.send(stage)

    def answer(self) -> Answer:
        """Blocks until the stage has ended, or the process has."""
        self.stage = None
        try:
            return self.connection.recv()
        except (EOFError, ConnectionResetError):
            self.process.join()
            code = self.process.exitcode or 0
            return Answer("failed", f"worker died ({f'signal {-code}' if code < 0 else f'exit code {code}'})")

    @property
    def is_alive(self) -> bool:
        return self.process.is_alive()

    def stop(self) -> None:
        """Let a waiting worker leave, end one that works or still loads. A work folder stays for the next attempt."""
        self.connection.close()
        if self.stage is not None or self.is_fresh:
            self.process.kill()

    def join(self) -> None:
        self.process.join(5)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _serve(connection: Connection, setup: Setup, warm: str | None) -> None:
    """The child's loop; it ends when the parent closes the pipe or dies."""
    from tqdm import tqdm

    threading.Thread(target=die_with_parent, daemon=True).start()
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, str(setup.threads)))
    os.environ.update(HF_HUB_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false")
    use_plugin(setup.plugin)
    tqdm.set_lock(threading.RLock())  # its own is a semaphore of the system, which a killed worker would leave behind
    if warm is not None:
        importlib.import_module(warm)
    while True:
        try:
            stage = connection.recv()
        except EOFError:
            return
        connection.send(_attempt(stage, setup))


def die_with_parent() -> None:
    """For a thread of a child: end the process when its parent has ended, however that came."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def _attempt(stage: Stage, setup: Setup) -> Answer:
    """Make the stage unless it is made. The one place where any failure becomes an answer."""
    started = time.monotonic()
    try:
        with setup.store.lock(stage):
            if setup.store.is_whole(stage):
                return Answer("ok")
            setup.store.reopen(stage)
            _redirect_output(setup.store.output(stage))
            _make(stage, setup, started)
        return Answer("ok", wall_s=time.monotonic() - started)
    except Exception as error:
        if not isinstance(error, GoldbenchError):  # whose reason says it all
            with contextlib.suppress(OSError):  # a full disk takes no words
                traceback.print_exc()
        status: Literal["failed", "diverged"] = "diverged" if isinstance(error, DivergedError) else "failed"
        prefix = "" if isinstance(error, GoldbenchError) else f"{type(error).__name__}: "
        return Answer(status, " ".join(f"{prefix}{error}".split()), time.monotonic() - started)


def _make(stage: Stage, setup: Setup, started: float) -> None:
    store = setup.store
    if replace(stage).key != stage.key:
        raise StoreError(f"the code of {stage.run} changed after this run had begun; give the command again")
    for name, needed in stage.inputs.items():
        if not store.is_present(needed):
            raise StoreError(f"input {name!r} of {stage.name!r} is not in {store.root}; give the command again")
        store.check(needed)
    store.work(stage).mkdir(parents=True, exist_ok=True)
    store.progress(stage).unlink(missing_ok=True)
    device = _device(setup)
    metrics = resolve(stage.run)(
        Context(
            config=stage.config,
            inputs={name: store.path(needed) for name, needed in stage.inputs.items()},
            folder=store.work(stage),
            device=device,
            report=ProgressLog(store.progress(stage)),
            parts=stage.parts,
        )
    )
    store.publish(stage, metrics, time.monotonic() - started, device)


def _device(setup: Setup) -> str:
    """The torch device of this worker, its threads set on the way."""
    import torch

    torch.set_num_threads(setup.threads)
    if setup.device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device=cuda was asked for, but torch sees no GPU; legal here: device=cpu, device=auto")
    return "cuda" if setup.device != "cpu" and torch.cuda.is_available() else "cpu"


def _redirect_output(path: Path) -> None:
    """Send what libraries print (bars, warnings) to a file, away from the live display."""
    sys.stdout.flush()
    sys.stderr.flush()
    with path.open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)

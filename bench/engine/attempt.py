"""One attempt at one stage: resolve its inputs in the store, run it under its key's lock, publish it.

Any executor may call `attempt`, in a worker process or in its caller's. The scheduler decides which stage runs when.
"""

import contextlib
import os
import sys
import time
import traceback
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from bench.engine.executor import Result
from bench.engine.machine import machine_facts
from bench.engine.progress import ProgressLog
from bench.engine.stage import Context, Stage, resolve
from bench.engine.store import Store
from bench.errors import ConfigError, DivergedError, GoldbenchError, StoreError


@dataclass(frozen=True)
class Setup:
    """Settings shared by all stages of a run: the store, torch's threads and device, the plugin file."""

    store: Store
    threads: int
    device: Literal["auto", "cpu", "cuda"]
    plugin: Path | None = None


def attempt(stage: Stage, setup: Setup, *, redirect_output: bool = False) -> Result:
    """Make the stage unless the store has it. The one place where any failure becomes a result.

    `redirect_output` sends standard output and error of this process to the stage's output file, for good.
    """
    started = time.monotonic()
    try:
        with setup.store.lock(stage):
            if setup.store.is_whole(stage):
                return Result("ok")
            setup.store.reopen(stage)
            if redirect_output:
                _redirect_output(setup.store.output(stage))
            _make(stage, setup, started)
        return Result("ok", wall_s=time.monotonic() - started)
    except Exception as error:
        if not isinstance(error, GoldbenchError):  # whose reason is complete
            with contextlib.suppress(OSError):  # a full disk
                traceback.print_exc()
        status: Literal["failed", "diverged"] = "diverged" if isinstance(error, DivergedError) else "failed"
        prefix = "" if isinstance(error, GoldbenchError) else f"{type(error).__name__}: "
        return Result(status, " ".join(f"{prefix}{error}".split()), time.monotonic() - started)


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
    store.publish(stage, metrics, time.monotonic() - started, device, machine=machine_facts(device))


def _device(setup: Setup) -> str:
    """The torch device, after setting torch's threads."""
    import torch

    torch.set_num_threads(setup.threads)
    if setup.device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device=cuda: torch finds no GPU on this machine; use device=cpu or device=auto")
    return "cuda" if setup.device != "cpu" and torch.cuda.is_available() else "cpu"


def _redirect_output(path: Path) -> None:
    """Send what libraries print (bars, warnings) to a file, away from the live display."""
    sys.stdout.flush()
    sys.stderr.flush()
    with path.open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)

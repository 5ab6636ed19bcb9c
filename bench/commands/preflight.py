"""Mistakes that would end a run after it has begun, found before it begins: each raises a one-line ConfigError.

`run` calls `check`, and `report` the check of its folder. Only what must be made is checked: a finished run needs no
GPU, no space and no plugin. Left out, since others find them before the first stage: keys, values and
sizes (`bench.config.compose`), an unwritable `out` (`RunFolder.check`), and W&B, which only opening it can prove
(`reports.wandb`). The process itself never loads torch.
"""

import math
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from bench.config.suite import RuntimeConfig, SuiteConfig
from bench.engine.provenance import cpu_count
from bench.engine.stage import Stage
from bench.engine.store import Store
from bench.errors import ConfigError

MIB = 2**20
STAGE_BYTES = 5 * MIB  # of a stage whose kind the store has not held yet: a cell of the default size
WORKER_BYTES = 512 * MIB  # of a worker that has imported torch and transformers
WORKERS_PER_CORE = 4
_NO_GPU = 3  # the exit code of _FIND_GPU
_FIND_GPU = f"import sys, torch; sys.exit(0 if torch.cuda.is_available() else {_NO_GPU})"


def check(suite: SuiteConfig, runtime: RuntimeConfig, needed: Sequence[Stage]) -> None:
    """Raise ConfigError for the first mistake that would stop `needed`, the stages to make."""
    assert runtime.store is not None
    assert runtime.out is not None
    check_places(runtime.out, runtime.store)
    if needed:
        check_cores(runtime)
        check_writable("store", runtime.store)
        check_space(needed, Store(runtime.store))
        if any(stage.config.get("losses") for stage in needed):
            check_losses(suite.losses, runtime.plugin)
        if runtime.device == "cuda":
            check_gpu()


def check_places(out: Path, store: Path) -> None:
    """The run folder lies outside the store, whose folders are kinds of stages."""
    if out.resolve().is_relative_to(store.resolve()):
        raise ConfigError(f"out={out} lies in the store {store}; give out=DIR outside it, for example out=runs/mine")


def check_cores(runtime: RuntimeConfig) -> None:
    """Threads and workers are not far more than the machine can run."""
    cores, memory = cpu_count(), _memory_bytes()
    if runtime.threads > cores:
        raise ConfigError(f"threads={runtime.threads} is more than the {cores} cores; use threads={cores} or fewer")
    most = max(1, min(WORKERS_PER_CORE * cores // runtime.threads, memory // WORKER_BYTES))
    if runtime.workers is not None and runtime.workers > most:
        busy = max(1, cores // runtime.threads)
        raise ConfigError(
            f"workers={runtime.workers} is too many for {cores} cores and {memory / 2**30:.0f} GiB of memory; "
            f"use workers={most} or fewer (workers={busy} keeps every core busy)"
        )


def check_writable(key: str, folder: Path) -> None:
    """The folder of a setting can be made or written to, tried in the nearest folder that exists."""
    try:
        tempfile.TemporaryDirectory(dir=_existing(folder)).cleanup()
    except OSError as error:
        reason = error.strerror or error
        raise ConfigError(f"{key}={folder} cannot be written to ({reason}); give another {key}=DIR") from None


def check_space(needed: Iterable[Stage], store: Store) -> None:
    """The store's disk has room for what is to be made, judged by the stored stages of the same kinds."""
    expected, free = expected_bytes(needed, store), shutil.disk_usage(_existing(store.root)).free
    if expected > free:
        raise ConfigError(
            f"store={store.root} has {_mib(free)} free and this run needs about {_mib(expected)}; "
            "free some (bench gc), or give store=DIR on another disk"
        )


def expected_bytes(needed: Iterable[Stage], store: Store) -> int:
    """Bytes that stages will take: the median of the stored stages of each kind, else `STAGE_BYTES`."""
    sizes: dict[str, float] = {}
    total = 0.0
    for stage in needed:
        if stage.kind not in sizes:
            stored = [sum(file["bytes"] for file in m["files"].values()) for m in store.manifests(stage.kind)]
            sizes[stage.kind] = statistics.median(stored) if stored else STAGE_BYTES
        total += sizes[stage.kind]
    return math.ceil(total)


def check_losses(losses: Mapping[str, str], plugin: Path | None) -> None:
    """Every loss from a plugin file or a package loads and behaves like a loss, tried in a separate process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        try:
            pool.submit(_load_losses, losses, plugin).result()
        except BrokenProcessPool:
            raise ConfigError(
                f"plugin={plugin}: loading {', '.join(losses)} ended its process; the file must not exit when imported"
            ) from None


def _load_losses(losses: Mapping[str, str], plugin: Path | None) -> None:
    from bench.losses.plugins import verified_losses

    verified_losses(losses, plugin)


def check_gpu() -> None:
    """Torch finds a GPU, tried in a separate process."""
    done = subprocess.run([sys.executable, "-c", _FIND_GPU], capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["its process died"])[-1]
        reason = "torch finds no GPU on this machine" if done.returncode == _NO_GPU else f"torch does not load ({last})"
        raise ConfigError(f"device=cuda: {reason}; use device=cpu or device=auto")


def _memory_bytes() -> int:
    """Physical memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _existing(path: Path) -> Path:
    """The path, or the nearest one above it that exists."""
    return next(place for place in (path.resolve(), *path.resolve().parents) if place.exists())


def _mib(size: int) -> str:
    return f"{size / MIB:.0f} MiB" if size < 10_240 * MIB else f"{size / 2**30:.0f} GiB"

"""Jobs in forked children of a process that has everything loaded: a few at a time, each with a deadline."""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TIMED_OUT = -1


@dataclass
class Running:
    key: Any
    deadline: float
    folder: Path
    started: float = field(default_factory=time.monotonic)


def forked(
    jobs: Iterable[tuple[Any, float, Callable[[Path], int]]],
    workers: int,
    done: Callable[[Any, int, float, Path], None],
) -> None:
    """Run each (key, seconds allowed, function) in a child, in an empty folder that is removed afterwards.

    `done` gets the key, the function's exit status or TIMED_OUT, the seconds taken and the folder.
    """
    running: dict[int, Running] = {}
    waiting = iter(jobs)
    more = True
    while more or running:
        while more and len(running) < workers:
            job = next(waiting, None)
            if job is None:
                more = False
                break
            key, allowed, function = job
            folder = Path(tempfile.mkdtemp(prefix="mutants-"))
            pid = os.fork()
            if pid == 0:
                _child(function, folder)
            running[pid] = Running(key, time.monotonic() + allowed, folder)
        _collect(running, done)
        time.sleep(0.003)


def _child(function: Callable[[Path], int], folder: Path) -> None:
    status = 99
    try:
        os.setpgid(0, 0)
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        status = function(folder)
    except BaseException as error:  # whatever a mutant does, the child ends here
        (folder / "error").write_text(f"{type(error).__name__}: {error}", encoding="utf-8")
    finally:
        os._exit(status)


def _collect(running: dict[int, Running], done: Callable[[Any, int, float, Path], None]) -> None:
    for pid, job in list(running.items()):
        ended, status = os.waitpid(pid, os.WNOHANG)
        late = time.monotonic() > job.deadline
        if not ended and not late:
            continue
        if not ended:
            os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        del running[pid]
        code = os.waitstatus_to_exitcode(status) if ended else TIMED_OUT
        done(job.key, code, time.monotonic() - job.started, job.folder)
        shutil.rmtree(job.folder, ignore_errors=True)

"""Keeps the run folder and its report up to date while cells finish, in a separate process."""

import multiprocessing
import os
import threading
import time
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess

from bench.engine.stopping import block_signals
from bench.engine.worker import die_with_parent
from bench.runs.folder import RunFolder
from reports import refresh as refresh_report

_FIRST_S, _GROWTH, _LONGEST_S = 10.0, 2.0, 300.0  # pauses: a refresh takes seconds of a core, more as the run grows


@dataclass
class Refresh:
    """Call it whenever a cell has finished. At most one process runs at a time, at growing intervals.

    A refresh that fails costs nothing: the run itself writes the last one, after `stop`.
    """

    folder: RunFolder
    last: float = field(default_factory=time.monotonic)
    process: BaseProcess | None = None
    pause_s: float = _FIRST_S

    def __call__(self) -> None:
        busy = self.process is not None and self.process.is_alive()
        if not busy and time.monotonic() - self.last >= self.pause_s:
            spawn = multiprocessing.get_context("spawn")
            self.process = spawn.Process(target=_refresh_quietly, args=(self.folder,), daemon=True)
            with block_signals():
                self.process.start()
            self.last, self.pause_s = time.monotonic(), min(_GROWTH * self.pause_s, _LONGEST_S)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.join()


def _refresh_quietly(folder: RunFolder) -> None:
    threading.Thread(target=die_with_parent, daemon=True).start()
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    folder.assemble({}, over=False)
    with folder.lock():
        refresh_report(folder.out)

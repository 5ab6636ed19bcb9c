"""Sends a run to Weights & Biases from a separate process, so that W&B can neither slow nor stop the run.

`bench.commands.run` opens a `Sink`. The child's side, the only one that imports wandb, is `session`; dashboards
are `dashboard`'s.
"""

import multiprocessing
import sys
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Self

from bench.errors import ConfigError
from reports.wandb.session import FINISH_S, OPEN_S, Target, serve

_SPAWN = multiprocessing.get_context("spawn")
_PATIENCE_S = OPEN_S + FINISH_S + 90.0  # how long the end of a run waits for one answer


class Sink:
    """The parent's handle. Use it as a context: leaving it ends the child, `finish` having waited for it or not.

    Entering raises ConfigError when W&B cannot be reached. Later failures give one warning and cost nothing else.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self.connection: Connection | None = None  # None: disabled, or the child is gone
        self.process: BaseProcess | None = None
        self.pending = 0
        self.place = ""
        self.warned = False

    def __enter__(self) -> Self:
        if self.target.mode == "disabled":
            return self
        self.connection, theirs = _SPAWN.Pipe()
        self.process = _SPAWN.Process(target=serve, args=(theirs, self.target), daemon=True)
        self.process.start()
        theirs.close()
        try:
            reason, self.place = self.connection.recv()
        except EOFError:
            reason = "its process died"
        if reason:
            self._end()
            raise ConfigError(f"wandb={self.target.mode} cannot be opened ({reason}); {_advice(self.target)}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def log(self, names: Sequence[str]) -> None:
        """Log these finished cells when the child comes to it. Returns at once."""
        self._send(names, len(names))
        while self.connection is not None and self.connection.poll():
            self._hear()

    def finish(self) -> None:
        """Log the run as a whole, its report being built, and wait for all that is still under way."""
        self._send(None, 1)
        while self.connection is not None and self.pending:
            if self.connection.poll(_PATIENCE_S):
                self._hear()
            else:
                self._warn(f"nothing heard for {_PATIENCE_S:.0f} s")
                return
        if self.process is not None and not self.warned:
            self.process.join(FINISH_S)
            print(f"wandb  {self.place}")

    def _send(self, names: Sequence[str] | None, answers: int) -> None:
        if self.connection is not None:
            try:
                self.connection.send(names)
                self.pending += answers
            except OSError:
                self._lost()

    def _hear(self) -> None:
        assert self.connection is not None
        try:
            reason = self.connection.recv()
        except (EOFError, OSError):
            self._lost()
            return
        self.pending -= 1
        if reason:
            self._warn(reason)

    def _lost(self) -> None:
        self.connection = None
        self._warn("its process died")

    def _warn(self, reason: str) -> None:
        if not self.warned:
            self.warned = True
            print(
                f"bench: W&B logging failed ({reason}); rows are complete; repeat the command to log the rest",
                file=sys.stderr,
            )

    def _end(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.join()


def _advice(target: Target) -> str:
    if target.mode == "online":
        return "`wandb login`, check WANDB_ENTITY, WANDB_PROJECT and WANDB_BASE_URL, or use wandb=offline"
    return f"make {target.out / 'wandb'} a folder that can be written, or use wandb=disabled"

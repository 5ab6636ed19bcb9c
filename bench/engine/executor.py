"""The interface between the scheduler and the workers that make stages: processes, a queue, a cluster.

`scheduler.schedule` drives an `Executor`; `local.LocalExecutor` is the one for this machine.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bench.engine.stage import Stage


@dataclass(frozen=True)
class Result:
    """The result of a stage. `wall_s` is 0 if another process had made it."""

    status: Literal["ok", "failed", "diverged"]
    reason: str = ""
    wall_s: float = 0.0


@dataclass(frozen=True)
class Progressed:
    """A running stage reported numbers for the display."""

    stage: Stage
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Ended:
    """A stage is in the store, or will not be."""

    stage: Stage
    result: Result


Event = Progressed | Ended


class Executor(ABC):
    """Makes stages whose inputs are in the store. The scheduler decides which, and when.

    `slots` is the number of stages it may hold at a time.
    """

    slots: int

    @abstractmethod
    def submit(self, stage: Stage) -> None:
        """Begin to make a stage. `poll` later returns one `Ended` for it."""

    @abstractmethod
    def poll(self, timeout_s: float) -> Sequence[Event]:
        """Events since the last call. With none, waits up to `timeout_s` for a stage to end."""

    @abstractmethod
    def stop(self) -> None:
        """End all work now. Unfinished stages keep their work folders for the next attempt."""

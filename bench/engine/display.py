"""The progress of a run for people: a live table on a terminal, plain lines elsewhere.

No number of record comes from here, so a closed terminal stops nothing. `bench run` chooses the display and the
scheduler drives it.
"""

import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bench.engine.stage import Stage

_NUMBERS = ("kl", "gold", "proxy")


class Display(ABC):
    """Receives the events of a run."""

    @abstractmethod
    def begin(self, seconds: Mapping[str, float], workers: int) -> None:
        """Called once, with the expected seconds of every stage to make, by key."""

    @abstractmethod
    def started(self, stage: Stage) -> None: ...

    @abstractmethod
    def progressed(self, stage: Stage, event: Mapping[str, Any]) -> None: ...

    @abstractmethod
    def finished(self, stage: Stage, wall_s: float) -> None: ...

    @abstractmethod
    def failed(self, stage: Stage, reason: str) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


@dataclass
class PlainDisplay(Display):
    """One line for each event; progress of a stage at most every `every_s` seconds."""

    every_s: float = 30.0
    total: int = 0
    ended: int = 0
    printed: dict[str, float] = field(default_factory=dict)  # when the last line of a stage was, by key

    def begin(self, seconds: Mapping[str, float], workers: int) -> None:
        self.total = len(seconds)

    def started(self, stage: Stage) -> None:
        self.printed[stage.key] = time.monotonic()
        self._line(f"start  {stage.name}")

    def progressed(self, stage: Stage, event: Mapping[str, Any]) -> None:
        if time.monotonic() - self.printed[stage.key] >= self.every_s:
            self.printed[stage.key] = time.monotonic()
            words = (f"{name} {_number(value)}" for name, value in event.items() if name != "steps")
            self._line(f"       {stage.name}: {', '.join(words)}")

    def finished(self, stage: Stage, wall_s: float) -> None:
        self.ended += 1
        self._line(f"done   {stage.name} in {duration(wall_s)}")

    def failed(self, stage: Stage, reason: str) -> None:
        self.ended += 1
        self._line(f"FAILED {stage.name}: {reason}")

    def _line(self, text: str) -> None:
        print(f"[{self.ended}/{self.total}] {text}", flush=True)


@dataclass
class _Running:
    stage: Stage
    since: float
    event: dict[str, Any] = field(default_factory=dict)
    updated: float = 0.0  # when the last event came

    @property
    def fraction(self) -> float | None:
        step, steps = self.event.get("step"), self.event.get("steps")
        return min(1.0, step / steps) if step and steps else None


@dataclass
class LiveDisplay(Display):
    """A table of running stages (step, KL, gold, proxy, time left) above a bar of the whole run."""

    console: Console = field(default_factory=Console)
    seconds: dict[str, float] = field(default_factory=dict)  # of every stage, by key
    left: dict[str, float] = field(default_factory=dict)  # of stages that have not started
    workers: int = 1
    running: dict[str, _Running] = field(default_factory=dict)
    live: Live = field(init=False)

    def __post_init__(self) -> None:
        self.live = Live(console=self.console, get_renderable=self.render, refresh_per_second=2, transient=True)

    def __enter__(self) -> Self:
        self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.live.stop()

    def begin(self, seconds: Mapping[str, float], workers: int) -> None:
        self.seconds, self.left, self.workers = dict(seconds), dict(seconds), workers

    def started(self, stage: Stage) -> None:
        self.left.pop(stage.key, None)
        self.running[stage.key] = _Running(stage, time.monotonic())

    def progressed(self, stage: Stage, event: Mapping[str, Any]) -> None:
        running = self.running[stage.key]
        running.event.update(event)
        running.updated = time.monotonic()

    def finished(self, stage: Stage, wall_s: float) -> None:
        self.running.pop(stage.key, None)
        self.console.print(Text.assemble(("done ", "green"), f"{stage.name} in {duration(wall_s)}"))

    def failed(self, stage: Stage, reason: str) -> None:
        self.running.pop(stage.key, None)
        self.left.pop(stage.key, None)
        self.console.print(Text.assemble(("FAILED ", "bold red"), f"{stage.name}: {reason}"))

    def render(self) -> Group:
        """The table and the bar at this moment."""
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("running", no_wrap=True)
        for title in ("step", "KL nats", "gold sd", "proxy sd", "left"):
            table.add_column(title, justify="right")
        table.add_column("")
        for running in list(self.running.values()):  # the scheduler changes it while this thread draws
            event = running.event
            step = f"{event['step']}/{event['steps']}" if running.fraction is not None else ""
            numbers = [_number(event[name]) if name in event else "" for name in _NUMBERS]
            left = duration(self._left_s(running))
            table.add_row(running.stage.name, step, *numbers, left, str(event.get("status", "")))
        return Group(table, self._overall())

    def _overall(self) -> Table:
        total = sum(self.seconds.values())
        pending = sum(list(self.left.values())) + sum(map(self._left_s, list(self.running.values())))
        longest = max(map(self._left_s, list(self.running.values())), default=0.0)
        grid = Table.grid(padding=(0, 1))
        ended = len(self.seconds) - len(self.left) - len(self.running)
        grid.add_row(
            f"{ended}/{len(self.seconds)} stages",
            ProgressBar(total=max(total, 1e-9), completed=max(0.0, total - pending), width=40),
            f"about {duration(max(longest, pending / self.workers))} left",
        )
        return grid

    def _left_s(self, running: _Running) -> float:
        total = self.seconds.get(running.stage.key, 0.0)
        if running.fraction:
            total = (running.updated - running.since) / running.fraction
        return max(0.0, running.since + total - time.monotonic())


def choose_display() -> Display:
    """Live on a terminal, plain lines elsewhere."""
    return LiveDisplay() if sys.stdout.isatty() else PlainDisplay()


def _number(value: Any) -> str:
    return f"{round(value, 3) + 0.0:.3g}" if isinstance(value, float) else str(value)  # -0 prints as 0


def duration(seconds: float) -> str:
    """`9.5s`, `42s`, `3m05s` or `2h07m`."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60}h{minutes % 60:02d}m"
    return f"{minutes}m{rest:02d}s" if minutes else f"{seconds:.1f}s" if seconds < 10 else f"{rest}s"

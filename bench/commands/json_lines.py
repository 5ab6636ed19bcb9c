"""`--json`: one JSON object a line on standard output, for programs; everything for people on standard error."""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, final

from bench.commands.streams import Steady
from bench.engine.display import Display
from bench.engine.stage import Stage

Emit = Callable[[Mapping[str, Any]], None]


def silent(record: Mapping[str, Any]) -> None:
    """The `Emit` of a command without --json."""


@contextlib.contextmanager
def json_output(wanted: bool) -> Iterator[Emit]:
    """Inside, if `wanted`, standard output carries only the records that are passed to the yielded function.

    Other text, that of child processes included, goes to standard error.
    """
    if not wanted:
        yield silent
        return
    with _reserved_output() as stream, contextlib.redirect_stdout(sys.stderr):
        steady = Steady(stream)

        def emit(record: Mapping[str, Any]) -> None:
            print(_line(record), file=steady, flush=True)

        yield emit


@contextlib.contextmanager
def _reserved_output() -> Iterator[Any]:
    """The stream of standard output, on a descriptor that child processes do not share."""
    sys.stdout.flush()
    try:
        real = sys.stdout.fileno() == 1
    except OSError:  # a stand-in without a descriptor
        real = False
    if not real:
        yield sys.stdout
        return
    with open(os.dup(1), "w", encoding="utf-8") as stream:
        os.dup2(2, 1)
        try:
            yield stream
        finally:
            sys.stdout.flush()
            os.dup2(stream.fileno(), 1)


def _line(record: Mapping[str, Any]) -> str:
    """Strict JSON: what is not finite becomes null."""
    return json.dumps(json.loads(json.dumps(dict(record), default=str), parse_constant=lambda _: None))


@final
class JsonDisplay(Display):
    """Emits the events of a run, and passes them on to the display for people."""

    def __init__(self, inner: Display, emit: Emit) -> None:
        self.inner, self.emit = inner, emit

    def begin(self, seconds: Mapping[str, float], workers: int) -> None:
        self.inner.begin(seconds, workers)

    def started(self, stage: Stage) -> None:
        self._emit("start", stage)
        self.inner.started(stage)

    def progressed(self, stage: Stage, event: Mapping[str, Any]) -> None:
        self._emit("progress", stage, values=dict(event))
        self.inner.progressed(stage, event)

    def finished(self, stage: Stage, wall_s: float) -> None:
        self._emit("done", stage, wall_s=round(wall_s, 3))
        self.inner.finished(stage, wall_s)

    def failed(self, stage: Stage, reason: str) -> None:
        self._emit("failed", stage, reason=reason)
        self.inner.failed(stage, reason)

    def __enter__(self) -> "JsonDisplay":
        self.inner.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.inner.__exit__(*error)

    def _emit(self, event: str, stage: Stage, **values: Any) -> None:
        self.emit({"event": event, "stage": stage.name, "key": stage.key, **values})

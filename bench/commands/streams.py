"""Standard streams that never fail a command: closed ones, ones that cannot encode a text, ones whose reader left.

Standard library only, so that `bench --help` stays fast.
"""

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import Any, final


def open_standard_streams() -> None:
    """Open closed standard streams (`>&-`) on the null device: the next file would take their number and their text.

    Text that a stream cannot encode is escaped.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # takes the lowest free number: this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "r" if number == 0 else "w", closefd=False))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextlib.contextmanager
def steady_output() -> Iterator[None]:
    """Inside, printing cannot fail because the reader has left."""
    with contextlib.redirect_stdout(Steady(sys.stdout)), contextlib.redirect_stderr(Steady(sys.stderr)):
        yield


@final
class Steady(io.TextIOBase):
    """A stream that turns to the null device once its reader has left."""

    def __init__(self, stream: Any) -> None:  # a text stream, or a stand-in for one
        self.stream = stream

    def write(self, text: str) -> int:
        with self._or_nowhere():
            self.stream.write(text)
        return len(text)

    def flush(self) -> None:
        with self._or_nowhere():
            self.stream.flush()

    def isatty(self) -> bool:
        return bool(self.stream.isatty())

    def fileno(self) -> int:
        return int(self.stream.fileno())

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return str(self.stream.encoding)

    @contextlib.contextmanager
    def _or_nowhere(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.stream.fileno())
            os.close(nowhere)

"""Stopping on request: what Ctrl-C, SIGTERM and a closing terminal (SIGHUP) do to a run.

The first signal requests a stop; the scheduler sees it between two events, so that nothing is cut in the middle. A
Ctrl-C after that stops at once. SIGTERM and SIGHUP never do: `timeout`, shells and init systems send them twice.
"""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from multiprocessing import resource_tracker
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Stop = Callable[[], bool]


class StopRequest:
    """True once a signal has requested a stop. Inside its context only a second Ctrl-C raises KeyboardInterrupt."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self._before: dict[int, Any] = {}

    def __bool__(self) -> bool:
        return self.signal is not None

    @property
    def exit_code(self) -> int:
        """The code that shells report for an end by this signal: 130 for Ctrl-C."""
        assert self.signal is not None
        return 128 + self.signal

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # Python handles signals in no other
            for number in SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` and `&` set it
                    self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal = self.signal or number


def never() -> bool:
    """A `Stop` that never stops."""
    return False


@contextlib.contextmanager
def block_signals() -> Iterator[None]:
    """Processes started inside block `SIGNALS` from their first instruction on; only SIGKILL ends them from outside.

    A terminal sends a signal to the whole process group. The parent acts on it for its children.
    """
    resource_tracker.ensure_running()  # which would unblock them
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

"""Progress of running stages for the display: JSON lines that a worker appends and the parent reads.

No number of record passes through here: those are in rows and manifests. A line that cannot be written or read is
dropped.
"""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class ProgressLog:
    """The writer: one flushed line for each event."""

    path: Path

    def __call__(self, event: Mapping[str, Any]) -> None:
        with contextlib.suppress(OSError), self.path.open("a") as file:
            file.write(json.dumps(dict(event), default=float) + "\n")


@dataclass
class ProgressTail:
    """The reader: the newest whole line of a file that may be absent, or begun again."""

    path: Path
    offset: int = 0

    def latest(self) -> dict[str, Any] | None:
        """The newest event since the previous call, or None."""
        try:
            if self.path.stat().st_size < self.offset:
                self.offset = 0
            with self.path.open("rb") as file:
                file.seek(self.offset)
                new = file.read()
        except OSError:
            return None
        whole, newline, _ = new.rpartition(b"\n")
        self.offset += len(whole) + len(newline)
        try:
            return json.loads(whole.rpartition(b"\n")[2]) if whole else None
        except ValueError:
            return None

"""Results of a check: the number of things checked, and every mismatch with its place."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")
Track = Callable[[Iterable[T]], Iterable[T]]
"""Passes an iterable on and moves a progress bar."""


@dataclass(frozen=True)
class Finding:
    """One mismatch: where it is, and what is wrong there."""

    where: str
    what: str


@dataclass
class Check:
    """`checked` counts the things checked, in words. `note` is a remark for the table of results."""

    name: str
    checked: str = ""
    note: str = ""
    findings: list[Finding] = field(default_factory=list)

    def find(self, where: str, what: str) -> None:
        self.findings.append(Finding(where, what))


def abbreviated(value: Any) -> str:
    """A value for a message: floats in full, texts cut."""
    text = repr(float(value)) if isinstance(value, float) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def counted(n: int, one: str, several: str) -> str:
    """`1 mismatch`, `2 mismatches`."""
    return f"{n} {one if n == 1 else several}"

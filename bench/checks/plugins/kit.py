"""Running of checks. A check raises `NotConforming` with a message; all failures are reported together."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from bench.errors import GoldbenchError

S = TypeVar("S")


class NotConforming(GoldbenchError, AssertionError):
    """A sampler, loss or f violates a property that the harness requires."""


def demand(holds: bool, otherwise: str) -> None:
    """Raise NotConforming with the message `otherwise` unless `holds`."""
    if not holds:
        raise NotConforming(otherwise)


def failures(checks: Mapping[str, Callable[[S], None]], subject: S) -> dict[str, str]:
    """Run the checks, and return the messages of the failed ones by name."""
    found = {}
    for name, check in checks.items():
        try:
            check(subject)
        except GoldbenchError as error:  # divergence also counts as a failure
            found[name] = str(error)
    return found


def require(checks: Mapping[str, Callable[[S], None]], subject: S) -> None:
    """Run the checks, and raise one NotConforming that lists all failures."""
    found = failures(checks, subject)
    lines = [f"{name}: {reason}" for name, reason in found.items()]
    demand(not found, "\n  ".join([f"{len(found)} of {len(checks)} checks failed", *lines]))

"""How checks are run: each raises `NotConforming` with a sentence, and all of them are told at once."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from bench.errors import GoldbenchError

S = TypeVar("S")


class NotConforming(GoldbenchError, AssertionError):
    """A sampler, loss or f breaks something that the harness rests on."""


def demand(holds: bool, otherwise: str) -> None:
    """Raises NotConforming with `otherwise` unless `holds`."""
    if not holds:
        raise NotConforming(otherwise)


def failures(checks: Mapping[str, Callable[[S], None]], subject: S) -> dict[str, str]:
    """What is wrong, by the name of the check that says so."""
    found = {}
    for name, check in checks.items():
        try:
            check(subject)
        except GoldbenchError as error:  # a divergence, too, is a failure
            found[name] = str(error)
    return found


def require(checks: Mapping[str, Callable[[S], None]], subject: S) -> None:
    """Raises NotConforming that tells every failed check."""
    found = failures(checks, subject)
    lines = [f"{name}: {reason}" for name, reason in found.items()]
    demand(not found, "\n  ".join([f"{len(found)} of {len(checks)} checks failed", *lines]))

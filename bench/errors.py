"""Every error a user can meet. One root; each kind is also the standard-library error it refines.

A message says what was wrong (the value), what is legal, and what to do about it.
"""

import difflib
from collections.abc import Iterable


class GoldbenchError(Exception):
    """Root of all errors raised on purpose."""


class ConfigError(GoldbenchError, ValueError):
    """What was asked for cannot be run. The command line prints it on one line and exits 2."""


class StoreError(GoldbenchError, OSError):
    """A stored stage is missing, torn or changed."""


class DivergedError(GoldbenchError, ArithmeticError):
    """Training left the finite numbers, or the KL that a budget could ever ask for."""


class UnfinishedError(GoldbenchError, RuntimeError):
    """A training stopped before its end; what it saved is measured, and the next run continues it."""


class GateError(GoldbenchError, RuntimeError):
    """A measured quality gate failed, so nothing built on it could be trusted."""


def did_you_mean(value: str, legal: Iterable[str]) -> str:
    """`; did you mean 'x'?` when something legal is close to `value`, else an empty string."""
    close = difflib.get_close_matches(value, list(legal), n=1, cutoff=0.55)
    return f"; did you mean {close[0]!r}?" if close else ""

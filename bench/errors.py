"""Errors raised for users. They share one root; each kind also subclasses the standard-library error it refines.

A message names the wrong value, the valid choices, and the fix.
"""

import difflib
from collections.abc import Iterable


class GoldbenchError(Exception):
    """Root of all errors that Goldbench raises for users."""


class ConfigError(GoldbenchError, ValueError):
    """The configuration or a command-line argument is invalid. The command line prints one line and exits 2."""


class StoreError(GoldbenchError, OSError):
    """A stored stage is missing, incomplete or modified."""


class DivergedError(GoldbenchError, ArithmeticError):
    """Loss or KL became non-finite, or KL exceeded every possible budget."""


class UnfinishedError(GoldbenchError, RuntimeError):
    """A training stopped before its end; what it saved is measured, and the next run continues it."""


class GateError(GoldbenchError, RuntimeError):
    """A quality gate failed, so results that depend on it would be invalid."""


def did_you_mean(value: str, legal: Iterable[str]) -> str:
    """`; did you mean 'x'?` if one of `legal` resembles `value`, else an empty string."""
    close = difflib.get_close_matches(value, list(legal), n=1, cutoff=0.55)
    return f"; did you mean {close[0]!r}?" if close else ""


def exit_code(error: BaseException) -> int:
    """The exit code of a command that ends with this error."""
    return 130 if isinstance(error, KeyboardInterrupt) else 2 if isinstance(error, ConfigError) else 1

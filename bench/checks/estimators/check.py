"""The result of a check: a number, its expected value and its tolerance."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Measured:
    """One comparison. With a `side`, `expected` is a bound: an upper one for `<=`, a lower one for `>=`."""

    expected: float
    got: float
    tolerance: float
    side: Literal["", "<=", ">="] = ""

    @property
    def error(self) -> float:
        """Distance from the expected value, or by how much the number exceeds its bound."""
        gap = self.got - self.expected
        return abs(gap) if not self.side else max(0.0, gap if self.side == "<=" else -gap)

    @property
    def ok(self) -> bool:
        """True if the number is finite and its error is within tolerance."""
        return math.isfinite(self.got) and self.error <= self.tolerance


Check = Callable[[], Measured]


def close(expected: ArrayLike, got: ArrayLike, tolerance: float) -> Measured:
    """Compare two numbers, or two arrays at their worst entry. Non-finite entries count as the worst."""
    want_N, got_N = np.broadcast_arrays(np.asarray(expected, float), np.asarray(got, float))
    gap_N = np.abs(got_N - want_N)
    worst = int(np.nan_to_num(gap_N, nan=np.inf).argmax())
    return Measured(float(want_N.flat[worst]), float(got_N.flat[worst]), float(tolerance))


def at_most(bound: float, got: float) -> Measured:
    """Check that a number does not exceed a bound."""
    return Measured(bound, got, 0.0, "<=")


def at_least(bound: float, got: float) -> Measured:
    """Check that a number reaches a bound."""
    return Measured(bound, got, 0.0, ">=")


def mean_is(expected: float, samples: np.ndarray) -> Measured:
    """Compare a mean of independent samples within four standard errors; a correct mean fails once in 16 000 times."""
    return Measured(expected, float(samples.mean()), 4 * float(samples.std(ddof=1)) / math.sqrt(len(samples)))

"""What a check says: a number, what it should be, and how far off it may be."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Measured:
    """One comparison. `side` says that `expected` is a bound: `<=` from above, `>=` from below."""

    expected: float
    got: float
    tolerance: float
    side: Literal["", "<=", ">="] = ""

    @property
    def error(self) -> float:
        """How far the number lies off; past its bound, where it has one."""
        gap = self.got - self.expected
        return abs(gap) if not self.side else max(0.0, gap if self.side == "<=" else -gap)

    @property
    def ok(self) -> bool:
        """False for a number that is not finite, too."""
        return math.isfinite(self.got) and self.error <= self.tolerance


Check = Callable[[], Measured]


def close(expected: ArrayLike, got: ArrayLike, tolerance: float) -> Measured:
    """Two numbers, or two arrays by the entry that is furthest off (one that is not finite before all others)."""
    want_N, got_N = np.broadcast_arrays(np.asarray(expected, float), np.asarray(got, float))
    gap_N = np.abs(got_N - want_N)
    worst = int(np.nan_to_num(gap_N, nan=np.inf).argmax())
    return Measured(float(want_N.flat[worst]), float(got_N.flat[worst]), float(tolerance))


def at_most(bound: float, got: float) -> Measured:
    """A number that must not exceed a bound."""
    return Measured(bound, got, 0.0, "<=")


def at_least(bound: float, got: float) -> Measured:
    """A number that must reach a bound."""
    return Measured(bound, got, 0.0, ">=")


def mean_is(expected: float, samples: np.ndarray) -> Measured:
    """A mean of independent samples, allowed four of its standard errors: a right one misses once in 16 000."""
    return Measured(expected, float(samples.mean()), 4 * float(samples.std(ddof=1)) / math.sqrt(len(samples)))

"""Means over the replicates of one setting: their curve over d with a t band, and their value at a KL.

Fewer than ENOUGH replicates have no interval over them; then the value is the first one's, for itself alone. `frame`
and the reports call it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.stats.curves import Curve
from bench.stats.estimate import ENOUGH, Estimate, replicate_mean
from bench.stats.matched import value_at

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Band:
    """The mean over replicates at each d, with its pointwise 95% t interval."""

    d: Float
    mean: Float
    low: Float
    high: Float


def mean_curve(d_S: Sequence[Float], y_S: Sequence[Float], points: int = 33) -> Band | None:
    """Replicates linearly interpolated on a common grid of d, over the range that each of them covers.

    `d_S[s]` increases. None with fewer than ENOUGH replicates, or where they share no range.
    """
    if len(d_S) < ENOUGH:
        return None
    kept = [(d[np.isfinite(d + y)], y[np.isfinite(d + y)]) for d, y in zip(d_S, y_S, strict=True)]
    if not all(len(d) for d, _ in kept):
        return None
    first, last = max(d[0] for d, _ in kept), min(d[-1] for d, _ in kept)
    if not last > first:
        return None
    grid = np.linspace(first, last, points)
    values = np.array([np.interp(grid, d, y) for d, y in kept])
    estimates = [replicate_mean(column) for column in values.T]
    return Band(grid, *(np.array([getattr(e, name) for e in estimates]) for name in ("point", "low", "high")))


def value_over(curves: Sequence[Curve], kl: float) -> Estimate:
    """Gold at a KL: the t mean of the replicates' values, or the first one's where too few are defined."""
    values = [value_at(curve, kl) for curve in curves]
    if len(values) < ENOUGH or not all(value.defined for value in values):
        return values[0]
    return replicate_mean([value.point for value in values])

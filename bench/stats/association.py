"""Correlation of two columns over the rows of a cell, and its mean over replicates.

Rows of one cell depend on each other, so one replicate has no valid interval; several replicates have one. The reports
call it.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from bench.stats.estimate import OVER_REPLICATES, Estimate, replicate_mean, undefined

_FEWEST = 4  # rows


def correlation(x: ArrayLike, y: ArrayLike) -> float:
    """Pearson's correlation over the rows where both are finite; NaN with fewer than four, or without spread."""
    pairs = np.array([x, y], dtype=float)
    pairs = pairs[:, np.isfinite(pairs).all(axis=0)]
    if pairs.shape[1] < _FEWEST or (np.ptp(pairs, axis=1) == 0).any():
        return float("nan")
    return float(np.corrcoef(pairs)[0, 1])


def correlation_over(values: Sequence[float]) -> Estimate:
    """The mean correlation over replicates: the t mean of Fisher's z (artanh), transformed back.

    With fewer than two there is a point and no interval.
    """
    r = np.asarray(values, dtype=float)
    if not len(r) or not np.isfinite(r).all():
        return undefined(OVER_REPLICATES, "a replicate has no correlation" if len(r) else "no replicate", n=len(r))
    z = replicate_mean(np.arctanh(np.clip(r, -1 + 1e-12, 1 - 1e-12)))
    point, low, high = np.tanh([z.point, z.low, z.high])
    return Estimate(float(point), float(low), float(high), z.level, f"Fisher's z, {z.method}", z.n, z.reason)

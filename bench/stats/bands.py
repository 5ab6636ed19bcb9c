"""Simultaneous bands: intervals over a grid that hold everywhere at once, not only at each point.

One replicate: max-t over the grid by the prompt bootstrap. Several: pointwise t intervals at a level divided by the
number of points (Bonferroni), since three curves are too few to estimate how neighbouring points move together. Read
these at few points (the budgets), or expect them wide. `replicates` has the pointwise band over a fine grid. The
coverage check calls it.
"""

import numpy as np
from numpy.typing import NDArray

from bench.stats.curves import Curve
from bench.stats.estimate import LEVEL, expanded, replicate_mean
from bench.stats.replicates import Band

Float = NDArray[np.float64]


def max_t(d: Float, point_G: Float, draws_DG: Float, prompts: int, level: float = LEVEL) -> Band:
    """The band point +- q se, q the `level` quantile over resamples of the largest |draw - point| / se on the grid.

    `expanded` widens it for the number of prompts. A grid point without spread, such as pi_ref at 0, has a band of no
    width and does not count.
    """
    se_G = draws_DG.std(axis=0, ddof=1)
    t_DG = np.abs(draws_DG - point_G) / np.where(se_G > 0, se_G, np.inf)
    half_G = expanded(float(np.quantile(t_DG.max(axis=1), level)), prompts) * se_G
    return Band(d, point_G, point_G - half_G, point_G + half_G)


def bonferroni_t(d: Float, values_SG: Float, level: float = LEVEL) -> Band:
    """The mean over replicates with t intervals that hold at all G points together with at least `level`."""
    each = 1 - (1 - level) / values_SG.shape[1]
    made = [replicate_mean(column, each) for column in values_SG.T]
    return Band(d, *(np.array([getattr(e, name) for e in made]) for name in ("point", "low", "high")))


def interpolated(curves: list[Curve], d: Float) -> Float:
    """Gold of each replicate at each d, linear between rows, [S, G]; NaN beyond a replicate's own range."""
    return np.array([np.interp(d, c.d, c.gold, left=np.nan, right=np.nan) for c in curves])

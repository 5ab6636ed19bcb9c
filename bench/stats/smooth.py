"""Smoothed curves: the penalised cubic spline, as a linear map from rows to a grid.

The penalty is chosen by generalised cross-validation on the curve itself (Craven and Wahba 1979) and then held fixed,
so that thousands of resampled curves are one matrix product. Left out: the uncertainty of that choice, the bias of
smoothing, and the correlation of neighbouring rows, which share prompts. docs/coverage.md has the resulting coverage.
`peaks` calls it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import make_smoothing_spline

from bench.stats.bootstrap import CurveDraws
from bench.stats.curves import Curve

Float = NDArray[np.float64]
GRID = 129
_FEWEST = 5  # rows, below which the spline is not defined
_PENALTIES = np.logspace(-6, 3, 28)  # on d scaled to [0, 1]


@dataclass(frozen=True, eq=False)
class Smooth:
    """Gold over a grid in d. `map_GR` takes rows' gold to the grid; `slope_R` is the fit's slope in d at the rows."""

    d: Float
    gold: Float
    map_GR: Float
    slope_R: Float
    rows: NDArray[np.intp]  # of the curve, those used

    def of_draws(self, draws: CurveDraws, curve: Curve) -> Float:
        """The fit [D, G] of each resampled curve; a row whose d moves counts as moved along the slope."""
        moved_DR = draws.d[:, self.rows] - curve.d[self.rows]
        return (draws.gold[:, self.rows] - self.slope_R * moved_DR) @ self.map_GR.T


def smooth(curve: Curve, points: int = GRID) -> Smooth | None:
    """The penalised spline of gold on d; None with fewer than five rows at different d."""
    rows = _usable(curve)
    if len(rows) < _FEWEST:
        return None
    d, gold = curve.d[rows], curve.gold[rows]
    x, scale = (d - d[0]) / np.ptp(d), np.ptp(d)
    penalty = min(_PENALTIES, key=lambda lam: _cross_validation(x, gold, lam))
    spline = make_smoothing_spline(x, np.eye(len(x)), lam=penalty)
    grid = np.linspace(0, 1, points)
    map_GR = spline(grid)
    return Smooth(d[0] + scale * grid, map_GR @ gold, map_GR, spline(x, nu=1) @ gold / scale, rows)


def _usable(curve: Curve) -> NDArray[np.intp]:
    """Rows with gold, in order of d, the first of those that share one."""
    finite = np.flatnonzero(np.isfinite(curve.gold + curve.d))
    return finite[np.unique(curve.d[finite], return_index=True)[1]]


def _cross_validation(x: Float, y: Float, penalty: float) -> float:
    """Generalised cross-validation: n |y - Hy|^2 / (n - tr H)^2."""
    hat_RR = make_smoothing_spline(x, np.eye(len(x)), lam=penalty)(x)
    residual = y - hat_RR @ y
    return float(len(x) * (residual @ residual) / (len(x) - np.trace(hat_RR)) ** 2)

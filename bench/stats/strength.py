"""The best strength (beta) of a method at the end of training, and its slope over another number across methods.

It is the vertex of the parabola in log beta through the best strength of the grid and its two neighbours, so that two
methods can differ by less than the spacing of their grids. If the best strength is the first or the last of the grid
there is no vertex, and no number. The reports call it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.stats.bootstrap import means_under
from bench.stats.estimate import LEVEL, RESAMPLED, Estimate, from_draws, undefined

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BestStrength:
    """`log_beta` and its D draws under resampled prompts, -inf or inf at an end of the grid."""

    log_beta: float
    draws_D: Float
    prompts: int

    @property
    def beta(self) -> Estimate:
        if not np.isfinite(self.log_beta):
            end = "largest" if self.log_beta > 0 else "smallest"
            return undefined(RESAMPLED, f"the {end} strength that was run is the best one")
        found = from_draws(self.log_beta, self.draws_D, self.prompts)
        point, low, high = np.exp([found.point, found.low, found.high])
        return Estimate(float(point), float(low), float(high), LEVEL, found.method, found.n, found.reason)


def best_strength(betas_B: Float, gold_BP: Float, counts_DP: Float) -> BestStrength:
    """The best of increasing `betas_B`, from gold's prompt means [B, P] at the end of training, resampled together."""
    log_B = np.log(betas_B)
    point = vertices(log_B, gold_BP.mean(axis=1, keepdims=True).T)[0]
    return BestStrength(float(point), vertices(log_B, means_under(counts_DP, gold_BP)), gold_BP.shape[1])


def vertices(x_B: Float, y_DB: Float) -> Float:
    """The vertex of the parabola through each row's largest value and its neighbours; -inf, inf at the ends."""
    top_D, last = y_DB.argmax(axis=1), len(x_B) - 1
    at_end_D = np.where(top_D == 0, -np.inf, np.inf)
    if last < 2:
        return at_end_D
    inner_D, row_D = top_D.clip(1, last - 1), np.arange(len(y_DB))
    x0, x1, x2 = (x_B[inner_D + i] for i in (-1, 0, 1))
    y0, y1, y2 = (y_DB[row_D, inner_D + i] for i in (-1, 0, 1))
    rise, fall = (y1 - y0) / (x1 - x0), (y2 - y1) / (x2 - x1)
    bend = np.where(rise > fall, (fall - rise) / (x2 - x0), -1.0)  # level or at an end of the grid: not used
    vertex_D = np.where(rise > fall, (x0 + x1) / 2 - rise / (2 * bend), x1)
    return np.where(top_D == inner_D, vertex_D, at_end_D)


def slope(x_K: Float, found: list[BestStrength]) -> Estimate:
    """Least-squares slope of log beta over `x_K` across K methods, on the same resampled prompts."""
    if len(found) < 2 or np.ptp(x_K) == 0:
        return undefined(RESAMPLED, "fewer than two places to fit a line through")
    weight_K = (x_K - x_K.mean()) / ((x_K - x_K.mean()) ** 2).sum()
    with np.errstate(invalid="ignore"):  # ends of a grid are infinite
        point = float(weight_K @ np.array([f.log_beta for f in found]))
        draws_D = weight_K @ np.array([f.draws_D for f in found])
    return from_draws(point, draws_D, min(f.prompts for f in found))

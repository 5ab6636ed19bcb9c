"""Two-parameter forms fitted to a run's curves, and best-of-n fitted on small n to predict larger n.

Fits are of each setting's first replicate, with intervals over resampled prompts; how well a form carries over to
another replicate is beside them. `analysis` calls `fit_curves`.
"""

from dataclasses import dataclass

from bench.stats.bootstrap import Resamples
from bench.stats.estimate import Estimate
from bench.stats.fits import BEST_OF_N, RL, Ahead, Fit, ahead, fit, leave_one_out
from bench.stats.gamma import gamma
from reports.analysis.values import Values
from reports.read.cell import Cell

BELOW_N = 64  # the rows that a prediction rests on; larger n are predicted
DRAWS = 1000


@dataclass(frozen=True, eq=False)
class Fitted:
    """One setting. `below` is best-of-n fitted on n <= BELOW_N alone, and `ahead` its predictions."""

    cell: Cell
    fit: Fit
    left_out: Estimate
    gamma: Estimate | None = None
    below: Fit | None = None
    ahead: tuple[Ahead, ...] = ()


def fit_curves(values: Values) -> list[Fitted]:
    """Every setting whose first replicate has samples."""
    run = values.run
    settings = [cells for cells in run.settings if cells[0].curve.prompts > 1 and len(cells[0].curve) > 1]
    draws = values.resampling.of([cells[0].curve for cells in settings], DRAWS)
    if draws is None:
        return []
    reach = [c[0].curve.d.max() for c in settings if c[0].best_of_n]
    return [_fitted(cells, draws, min(reach, default=0.0)) for cells in settings]


def _fitted(cells: list[Cell], draws: Resamples, upper: float) -> Fitted:
    first, curves = cells[0], [c.curve for c in cells if len(c.curve) > 1]
    if not first.best_of_n:
        return Fitted(first, fit(first.curve, RL, draws), leave_one_out(curves, RL))
    small = first.rows.n.to_numpy(dtype=float) <= BELOW_N
    return Fitted(
        first,
        fit(first.curve, BEST_OF_N, draws),
        leave_one_out(curves, BEST_OF_N),
        gamma(first.curve, upper, draws),
        fit(first.curve, BEST_OF_N, draws, small),
        ahead(first.curve, BEST_OF_N, small, draws),
    )

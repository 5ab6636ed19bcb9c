"""The peak of each cell, and whether each setting's gold rises and then falls. `analysis` calls it."""

from dataclasses import dataclass

from bench.stats.bootstrap import Resamples
from bench.stats.curves import peak_row
from bench.stats.estimate import Estimate, paired_difference
from bench.stats.peaks import peak_range
from bench.stats.verdicts.hump import HumpVerdict
from reports.analysis.values import Values
from reports.read.cell import Cell

DRAWS = 500


@dataclass(frozen=True)
class Peak:
    """The row chosen on `select`, the KL of the rows not rejected as the highest, and gold's drop to the last row."""

    cell: Cell
    row: int
    kl_range: tuple[float, float]
    drop: Estimate


def find_peaks(values: Values) -> dict[str, Peak]:
    """The peak of each trained cell that has select prompts, by the cell's name."""
    draws = values.resamples(DRAWS)
    return {cell.name: peak for cell in values.run.trained if (peak := _peak(cell, draws)) is not None}


def hump_verdicts(values: Values) -> dict[int, HumpVerdict]:
    """The hump test of each setting with a declared KL. Only of what optimises a proxy must the proxy rise."""
    run, humps = values.run, {}
    for setting in dict.fromkeys(cell.setting for cell in run.trained):
        replicates = [cell for cell in run.trained if cell.setting == setting]
        declared = run.declared_kl(replicates[0])
        if declared is not None:
            humps[setting] = values.hump(replicates, declared, proxy_rises=replicates[0].on_policy)
    return humps


def _peak(cell: Cell, draws: Resamples | None) -> Peak | None:
    curve = cell.curve
    row = peak_row(curve.gold_select)
    if row is None:
        return None
    kl_range = (float("nan"), float("nan"))
    if draws is not None and curve.prompts > 1 and len(curve) > 1:
        d = peak_range(curve, draws)
        kl_range = (d.low**2, d.high**2)
    return Peak(cell, row, kl_range, paired_difference(curve.gold_RP[row], curve.gold_RP[cell.last]))

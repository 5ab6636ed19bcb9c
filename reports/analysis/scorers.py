"""The peak along KL of each of three scorers: gold, the writers' rubric and the users'.

Of each method and proxy the smallest coefficient, controls included; only where the run's gold was trained on weighted
parts (see `read.writers`). `analysis` calls it.
"""

from dataclasses import dataclass

import numpy as np

from bench.stats.bootstrap import Resamples
from bench.stats.curves import Curve, peak_row
from bench.stats.estimate import BY_PROMPT, ENOUGH, Estimate, from_se, over, replicate_mean, undefined
from bench.stats.peaks import drop, peak_range
from bench.stats.verdicts.hump import INTERIOR
from reports.analysis.settings import representative
from reports.read.cell import Cell
from reports.read.run import RunData
from reports.read.writers import SCORERS, weights_of

LABELS = {"gold": "gold", "writers": "writers' rubric", "users": "users' rubric"}


@dataclass(frozen=True)
class ScorerPeak:
    """One scorer's best rows, one in each replicate of a setting, chosen on `select`. Values are on `report`."""

    scorer: str
    cells: tuple[Cell, ...]
    curves: tuple[Curve, ...]
    rows: tuple[int, ...]

    @property
    def places(self) -> list[float]:
        """d* of each replicate."""
        return [float(curve.d[row]) for curve, row in zip(self.curves, self.rows, strict=True)]

    @property
    def place(self) -> float:
        """d* as a point: the mean over replicates, of few the first one's."""
        return float(np.mean(self.places)) if len(self.places) >= ENOUGH else self.places[0]

    @property
    def value(self) -> Estimate:
        return over([_at(curve, row) for curve, row in zip(self.curves, self.rows, strict=True)])

    @property
    def end(self) -> Estimate:
        return over([_at(curve, cell.last) for curve, cell in zip(self.curves, self.cells, strict=True)])

    @property
    def fall(self) -> Estimate:
        return over([drop(curve, cell.last) for curve, cell in zip(self.curves, self.cells, strict=True)])

    @property
    def edge(self) -> int:
        """In how many replicates no row lies clearly beyond it."""
        return sum(bool(np.nanmax(c.d) < INTERIOR * d) for c, d in zip(self.curves, self.places, strict=True))

    def d(self, draws: Resamples | None) -> Estimate:
        """d* with its interval: t over replicates, or of the first one the rows not rejected as the highest."""
        if len(self.curves) >= ENOUGH:
            return replicate_mean(self.places)
        return undefined(BY_PROMPT, "no samples are stored") if draws is None else peak_range(self.curves[0], draws)


def scored_settings(run: RunData) -> list[list[Cell]]:
    """The replicates at the smallest coefficient of each method and proxy; empty where no weights are declared."""
    if not weights_of(run.config):
        return []
    curved = [cell for cell in run.trained if len(cell.curve) > 1]
    kinds = dict.fromkeys((cell.method, cell.proxy_name) for cell in curved)
    first = [representative([c for c in curved if (c.method, c.proxy_name) == kind]) for kind in kinds]
    return [[c for c in run.replicates(cell) if len(c.curve) > 1] for cell in first]


def peaks_of(run: RunData, cells: list[Cell]) -> list[ScorerPeak]:
    """Each scorer's peak in one setting, without scorers that have no select prompts."""
    found = []
    for scorer in SCORERS:
        curves = tuple(run.scored_by(cell, scorer) for cell in cells)
        rows = tuple(row for curve in curves if (row := peak_row(curve.gold_select)) is not None)
        if len(rows) == len(curves):
            found.append(ScorerPeak(scorer, tuple(cells), curves, rows))
    return found


def _at(curve: Curve, row: int) -> Estimate:
    return from_se(float(curve.gold[row]), float(curve.gold_se[row]), curve.prompts, BY_PROMPT)

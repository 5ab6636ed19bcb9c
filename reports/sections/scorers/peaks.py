"""Where along KL each of three judges is best, what that is worth, and what is left at the end.

Shown where the run's gold was taught with weights (see `writers`). Of each method and proxy its smallest coefficient
speaks, controls included. `make` calls `judge_peaks`, the figure in `judges` marks the same rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bench.stats.bootstrap import Resamples
from bench.stats.compare import ENOUGH
from bench.stats.curves import Curve, peak_row
from bench.stats.estimate import BY_PROMPT, Estimate, from_se, replicate_mean, undefined
from bench.stats.hump import INTERIOR
from bench.stats.peak import drop, over, peak_range
from reports.analysis.findings import hardest, nats
from reports.draw.table import Row, Table, Value, interval, missing, named
from reports.facts.fact import resampled
from reports.read.load import Cell, RunData
from reports.read.writers import JUDGES, weights_of
from reports.sections import words

LABELS = {"gold": "gold", "writers": "writers' rubric", "users": "users' rubric"}


@dataclass(frozen=True)
class JudgePeak:
    """One judge's best rows, one in each replicate of a setting, chosen on `select`. Values are on `report`."""

    judge: str
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

    def d(self, drawn: Resamples | None) -> Estimate:
        """d* with its interval: t over replicates, or of the first one the rows not rejected as the highest."""
        if len(self.curves) >= ENOUGH:
            return replicate_mean(self.places)
        return undefined(BY_PROMPT, "no samples are stored") if drawn is None else peak_range(self.curves[0], drawn)


def judged_settings(run: RunData) -> list[list[Cell]]:
    """Of each method and proxy the replicates at the smallest coefficient; empty where no weights are declared."""
    if not weights_of(run.config):
        return []
    curved = [cell for cell in run.trained if len(cell.curve) > 1]
    kinds = dict.fromkeys((cell.method, cell.proxy_name) for cell in curved)
    first = [hardest([c for c in curved if (c.method, c.proxy_name) == kind]) for kind in kinds]
    return [[c for c in run.replicates(cell) if len(c.curve) > 1] for cell in first]


def peaks_of(run: RunData, cells: list[Cell]) -> list[JudgePeak]:
    """Each judge's peak in one setting, without judges who have no row to choose."""
    found = []
    for judge in JUDGES:
        curves = tuple(run.by(cell, judge) for cell in cells)
        rows = tuple(row for curve in curves if (row := peak_row(curve.gold_select)) is not None)
        if len(rows) == len(curves):
            found.append(JudgePeak(judge, tuple(cells), curves, rows))
    return found


def judge_peaks(run: RunData) -> Table:
    """A line a judge and setting; the CSV has each replicate too."""
    settings = [cells for cells in judged_settings(run) if not cells[0].best_of_n]
    drawn = resampled(run) if settings else None
    records: list[dict[str, Any]] = []
    body: list[Row] = []
    for peak in (peak for cells in settings for peak in peaks_of(run, cells)):
        found = {"d": peak.d(drawn), "value": peak.value, "end": peak.end, "drop": peak.fall}
        records += _records(peak, found)
        kl = float(np.mean([curve.kl[row] for curve, row in zip(peak.curves, peak.rows, strict=True)]))
        best = Value(nats(kl), peak.curves[0].row_ids[peak.rows[0]])
        numbers = (interval(e) if e.defined else missing(e.reason) for e in found.values())
        edge = f"in {peak.edge} of {len(peak.cells)}" if peak.edge else ""
        body.append((named(peak.cells[0], run), LABELS[peak.judge], best, *numbers, edge))
    head = ("setting", "judge", "KL at peak (nats)", "d*", "value at peak", "value at the end", "drop", "at the edge")
    data = pd.DataFrame(records)
    return Table("judge_peaks", "Where each judge is best", words.JUDGE_PEAKS, data, head, tuple(body), text=2)


def _at(curve: Curve, row: int) -> Estimate:
    return from_se(float(curve.gold[row]), float(curve.gold_se[row]), curve.prompts, BY_PROMPT)


def _records(peak: JudgePeak, found: dict[str, Estimate]) -> Iterator[dict[str, object]]:
    """The setting's line, its cell empty, and one for each replicate, whose numbers are points."""
    first = peak.cells[0]
    setting = {"method": first.method, "proxy": first.proxy_name, "beta": first.beta, "judge": peak.judge}
    ends = {"": "point", "_low": "low", "_high": "high"}
    numbers = {f"{name}{end}": getattr(e, field) for name, e in found.items() for end, field in ends.items()}
    value = found["value"]
    yield {**setting, "cell": "", "n": value.n, "method_of_interval": value.method, "edge": peak.edge, **numbers}
    for cell, curve, row in zip(peak.cells, peak.curves, peak.rows, strict=True):
        own = {"d": curve.d[row], "value": curve.gold[row], "end": curve.gold[cell.last]}
        rest = {"drop": drop(curve, cell.last).point, "peak_row_id": curve.row_ids[row], "peak_kl": curve.kl[row]}
        yield {**setting, "cell": cell.name, **own, **rest, "end_kl": curve.kl[cell.last]}

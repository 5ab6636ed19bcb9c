"""The peak of each of three scorers, its value there and at the end. `curves` shows the table."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from bench.stats.estimate import Estimate
from bench.stats.peaks import drop
from reports.analysis.analysis import Analysis
from reports.analysis.scorers import LABELS, ScorerPeak
from reports.draw.labels import nats, setting_label
from reports.draw.table import Row, Table, Value, interval, missing

_PEAKS = (
    "Rows are chosen on the select prompts and measured on the report prompts. Brackets are 95% intervals: t over "
    "three or more replicates, else over prompts of the first one (for d*: the rows not rejected as the highest). "
    "Drop: peak minus last row, paired by prompt. At the edge: no later row lies at 1.25 d* or beyond. Best-of-n "
    "is left out: its pool is stored without the rubric's parts, and single picks are too few to choose a row. "
    "tables/judge_peaks.csv has each replicate."
)


def scorer_peaks(analysis: Analysis) -> Table:
    """A line a scorer and setting; the CSV has each replicate too."""
    run = analysis.run
    settings = [cells for cells in analysis.scored_settings if not cells[0].best_of_n]
    draws = analysis.resamples if settings else None
    records: list[dict[str, Any]] = []
    body: list[Row] = []
    for peak in (peak for cells in settings for peak in analysis.scorer_peaks(cells)):
        found = {"d": peak.d(draws), "value": peak.value, "end": peak.end, "drop": peak.fall}
        records += _records(peak, found)
        kl = float(np.mean([curve.kl[row] for curve, row in zip(peak.curves, peak.rows, strict=True)]))
        best = Value(nats(kl), peak.curves[0].row_ids[peak.rows[0]])
        numbers = (interval(e) if e.defined else missing(e.reason) for e in found.values())
        edge = f"in {peak.edge} of {len(peak.cells)}" if peak.edge else ""
        body.append((setting_label(peak.cells[0], run), LABELS[peak.scorer], best, *numbers, edge))
    head = ("setting", "judge", "KL at peak (nats)", "d*", "value at peak", "value at the end", "drop", "at the edge")
    data = pd.DataFrame(records)
    return Table("judge_peaks", "Where each scorer is highest", _PEAKS, data, head, tuple(body), text=2)


def _records(peak: ScorerPeak, found: dict[str, Estimate]) -> Iterator[dict[str, object]]:
    """The setting's line, its cell empty, and one for each replicate, whose numbers are points."""
    first = peak.cells[0]
    setting = {"method": first.method, "proxy": first.proxy_name, "beta": first.beta, "judge": peak.scorer}
    ends = {"": "point", "_low": "low", "_high": "high"}
    numbers = {f"{name}{end}": getattr(e, field) for name, e in found.items() for end, field in ends.items()}
    value = found["value"]
    yield {**setting, "cell": "", "n": value.n, "method_of_interval": value.method, "edge": peak.edge, **numbers}
    for cell, curve, row in zip(peak.cells, peak.curves, peak.rows, strict=True):
        place = {"d": curve.d[row], "value": curve.gold[row], "end": curve.gold[cell.last]}
        rest = {"drop": drop(curve, cell.last).point, "peak_row_id": curve.row_ids[row], "peak_kl": curve.kl[row]}
        yield {**setting, "cell": cell.name, **place, **rest, "end_kl": curve.kl[cell.last]}

"""The peak of each cell's gold, its value there and at the end, and the hump test."""

import numpy as np
import pandas as pd

from bench.stats.curves import Curve
from bench.stats.estimate import plus_minus
from reports.analysis.analysis import Analysis
from reports.analysis.peaks import Peak
from reports.draw.labels import nats, setting_label
from reports.draw.table import Table, Value, interval, missing
from reports.read.cell import Cell
from reports.read.wins import by_win_rate, highest_win
from reports.sections.curves.opinions import opinions
from reports.sections.section import Section

_PEAKS = (
    "The peak row is chosen on the select prompts and measured on the report prompts; ± is one standard error, "
    "clustered by prompt. Win rate: of gold against π_ref. "
    "In brackets after the KL: the range of rows that a 95% test does not reject as the "
    "highest. The drop is peak minus end, paired by prompt, with its 95% interval. A hump is a rise, then a fall "
    "to the row nearest the last budget within π_ref's entropy (best-of-n: the largest n), both above 0.1 sd at "
    "the lower 97.5% limit; with several replicates, for their mean and for most of them. Where a method "
    "optimises the proxy, the proxy must rise too. The first replicate of each setting is listed; "
    "tables/peaks.csv has all."
)


def peaks(analysis: Analysis) -> Table:
    """Each cell's peak of gold, gold there and at the end, and the hump verdict."""
    run, records, body = analysis.run, [], []
    for cell in run.cells:
        peak = analysis.peaks.get(cell.name)
        if peak is None:
            continue
        curve, row, last, hump = cell.curve, peak.row, cell.last, analysis.humps.get(cell.setting)
        wins = by_win_rate(cell)
        verdict, reason = (hump.verdict, hump.reason) if hump else ("", "no KL was declared")
        records.append({**_record(cell, peak), "hump": verdict, "reason": reason})
        if not run.is_first(cell):
            continue
        low, high = peak.kl_range
        place = nats(curve.kl[row]) + (f" [{nats(low)}, {nats(high)}]" if np.isfinite(low) else "")
        best, end = curve.row_ids[row], curve.row_ids[last]
        body.append(
            (
                setting_label(cell, run),
                Value(place, best),
                Value(plus_minus(curve.gold[row], curve.gold_se[row], True, decimals=2), best),
                _won(wins, row),
                Value(plus_minus(curve.proxy[row], float("nan"), signed=True), best),
                Value(nats(curve.kl[last]), end),
                Value(plus_minus(curve.gold[last], curve.gold_se[last], True, decimals=2), end),
                _won(wins, last),
                interval(peak.drop) if row != last else missing("the best row is the last one"),
                verdict if hump and hump.rise.defined else missing(reason),
            )
        )
    return Table(
        "peaks",
        "Peaks",
        _PEAKS,
        pd.DataFrame(records),
        (
            "cell",
            "KL at peak (nats)",
            "gold at peak",
            "win rate there",
            "proxy there",
            "final KL",
            "gold at end",
            "win rate",
            "drop",
            "hump",
        ),
        tuple(body),
    )


def _won(wins: Curve, row: int) -> Value:
    """The win rate of one row."""
    if not np.isfinite(wins.gold[row]):
        return missing("the row has no win rate")
    return Value(plus_minus(wins.gold[row], wins.gold_se[row], decimals=2), wins.row_ids[row])


def _record(cell: Cell, peak: Peak) -> dict[str, object]:
    """The numbers of one cell in the CSV."""
    curve, row, last = cell.curve, peak.row, cell.last
    wins, highest = by_win_rate(cell), highest_win(cell)
    return {
        "cell": cell.name,
        "peak_row_id": curve.row_ids[row],
        "peak_kl": curve.kl[row],
        "peak_kl_low": peak.kl_range[0],
        "peak_kl_high": peak.kl_range[1],
        "peak_d": curve.d[row],
        "peak_gold": curve.gold[row],
        "peak_gold_se": curve.gold_se[row],
        "peak_proxy": curve.proxy[row],
        "peak_win_rate": wins.gold[row],
        "peak_win_rate_se": wins.gold_se[row],
        "win_peak_kl": curve.kl[highest] if highest is not None else float("nan"),
        "end_win_rate": wins.gold[last],
        "end_win_rate_se": wins.gold_se[last],
        "end_kl": curve.kl[last],
        "end_gold": curve.gold[last],
        "end_gold_se": curve.gold_se[last],
        "drop": peak.drop.point,
        "drop_low": peak.drop.low,
        "drop_high": peak.drop.high,
    }


SECTION = Section("peaks", "Peaks", (peaks, opinions))

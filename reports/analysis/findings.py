"""What the statistics say: the peak of each cell, the hump verdict of each setting, one sentence a method.

Sentences are written from the estimates alone. `make` makes one `Findings`; tables and the page read it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.stats.bootstrap import Resamples, resamples
from bench.stats.curves import peak_row
from bench.stats.estimate import Estimate, paired_difference, plus_minus
from bench.stats.hump import HumpVerdict, hump_test
from bench.stats.peak import peak_range
from reports.draw.style import method_label
from reports.read.load import Cell, RunData

DRAWS = 500
SEED = 20221019  # of the resamples; the same page on every rebuild


@dataclass(frozen=True)
class Peak:
    """The row chosen on `select`, its place, and how far gold has come down by the cell's last row."""

    cell: Cell
    row: int
    kl_range: tuple[float, float]  # of the rows that are not rejected as the highest
    drop: Estimate


@dataclass(frozen=True)
class Findings:
    """Peaks by cell name, hump verdicts by setting. Of a loss that optimises no proxy only gold's turn is asked."""

    peaks: Mapping[str, Peak]
    humps: Mapping[int, HumpVerdict]


def find(run: RunData) -> Findings:
    """Every peak and verdict that the rows allow."""
    sampled = [cell.curve for cell in run.trained if cell.curve.prompts > 1]
    drawn = resamples(sampled, DRAWS, np.random.default_rng(SEED)) if sampled else None
    peaks = {cell.name: peak for cell in run.trained if (peak := _peak(cell, drawn)) is not None}
    humps = {}
    for setting in dict.fromkeys(cell.setting for cell in run.trained):
        replicates = [cell for cell in run.trained if cell.setting == setting]
        declared = run.declared_kl(replicates[0])
        if declared is not None:
            curves = [cell.curve for cell in replicates]
            humps[setting] = hump_test(curves, declared, proxy_rises=replicates[0].on_policy)
    return Findings(peaks, humps)


def _peak(cell: Cell, drawn: Resamples | None) -> Peak | None:
    curve = cell.curve
    row = peak_row(curve.gold_select)
    if row is None:
        return None
    kl_range = (float("nan"), float("nan"))
    if drawn is not None and curve.prompts > 1 and len(curve) > 1:
        d = peak_range(curve, drawn)
        kl_range = (d.low**2, d.high**2)
    return Peak(cell, row, kl_range, paired_difference(curve.gold_RP[row], curve.gold_RP[cell.last]))


def hardest(cells: Sequence[Cell]) -> Cell:
    """The cell that a method's sentence is about: the smallest coefficient, then the furthest KL, first replicate."""
    return min(cells, key=lambda c: (c.replicate, np.nan_to_num(c.beta), -c.reach))


@dataclass(frozen=True)
class Sentence:
    """What was found of one method and proxy. `verdict` is empty where what was `asked` could not be tested."""

    label: str
    text: str
    verdict: str
    reason: str
    asked: str = "hump"
    method: str = ""
    rows: tuple[tuple[str, str], ...] = ()  # (what it is, row id), where one can look


def sentences(run: RunData, findings: Findings) -> list[Sentence]:
    """One sentence for each method and proxy with a curve; controls come last."""
    lines = []
    for cells in (run.compared, run.controls):
        for method, proxy in dict.fromkeys((c.method, c.proxy_name) for c in cells):
            cell = hardest([c for c in cells if (c.method, c.proxy_name) == (method, proxy)])
            sentence = _sentence(_label(run, cell), cell, findings)
            asked = "hump" if cell.on_policy else "turn"
            lines.append(replace(sentence, asked=asked, method=method, rows=_rows(cell, findings)))
    return lines


def _rows(cell: Cell, findings: Findings) -> tuple[tuple[str, str], ...]:
    """Where to look: the peak and the end of the curve that the sentence is about."""
    hump, ids = findings.humps.get(cell.setting), cell.curve.row_ids
    if hump and hump.rise.defined:
        return (("peak", hump.replicates[0].peak_row_id), ("end", hump.replicates[0].end_row_id))
    return (("last policy", ids[cell.last]),)


def _label(run: RunData, cell: Cell) -> str:
    parts = [f"β = {cell.beta:g}"] if np.isfinite(cell.beta) else []
    if run.several_proxies(cell.method):
        parts.append(f"{cell.proxy_name.replace('_', '-')} proxy")
    return method_label(cell.method) + (f", {', '.join(parts)}" if parts else "")


def _sentence(label: str, cell: Cell, findings: Findings) -> Sentence:
    curve, last = cell.curve, cell.last
    if len(curve) < 2:
        return Sentence(label, "one policy evaluated so far.", "", "")
    hump = findings.humps.get(cell.setting)
    if hump and hump.rise.defined:
        return Sentence(label, _moves(hump), hump.verdict, hump.reason)
    proxy = plus_minus(curve.proxy[last], float("nan"), signed=True)
    gold = plus_minus(curve.gold[last], 1.96 * curve.gold_se[last], signed=True)
    ends = f"gold ends at {gold} sd and the proxy at {proxy}, {nats(curve.kl[last])} nats from π_ref."
    return Sentence(label, ends, "", hump.reason if hump else "")


def _moves(hump: HumpVerdict) -> str:
    peak_kl, end_kl = (float(np.median([getattr(p, n) for p in hump.replicates])) for n in ("peak_kl", "end_kl"))
    rises = hump.rise.point >= 0
    rise = f"{'rises' if rises else 'falls'} {_size(hump.rise)} sd by {nats(peak_kl)} nats"
    if hump.fall.point >= 0:
        then = f"{'falls' if rises else 'falls further'} {_size(hump.fall)} by {nats(end_kl)}"
    else:
        then = f"{'rises further' if rises else 'rises'} {_size(hump.fall)} by {nats(end_kl)}"
    gain = hump.proxy_gain
    proxy = f"the proxy {'gains' if gain.point >= 0 else 'loses'} {_size(gain)}"
    return f"gold {rise}, then {then}; {proxy}."


def nats(kl: float) -> str:
    """A KL to read: two decimals below 1, one above."""
    return f"{kl:.2f}" if kl < 1 else f"{kl:.1f}"


def _size(change: Estimate) -> str:
    return plus_minus(abs(change.point), change.error)

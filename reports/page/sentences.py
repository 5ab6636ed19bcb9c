"""The sentences at the head of the page, one a method and proxy, written from the estimates alone."""

from dataclasses import dataclass, replace

import numpy as np

from bench.stats.estimate import Estimate, plus_minus
from bench.stats.verdicts.hump import HumpVerdict
from reports.analysis.analysis import Analysis
from reports.analysis.settings import representative
from reports.draw.labels import nats, setting_label
from reports.read.cell import Cell
from reports.read.kind import Kind
from reports.read.wins import by_win_rate, highest_win


@dataclass(frozen=True)
class Sentence:
    """The finding for one method and proxy. `verdict` is empty if the test could not be made."""

    label: str
    text: str
    verdict: str
    reason: str
    test: str = "hump"
    beside: str = ""  # the win rate at the same rows, second opinions, and what a verdict would need
    kind: Kind | None = None
    rows: tuple[tuple[str, str], ...] = ()  # (what it is, row id), to link to

    @property
    def method(self) -> str:
        return self.kind.method if self.kind is not None else ""


def sentences(analysis: Analysis) -> list[Sentence]:
    """One sentence for each method and proxy with a curve; controls come last."""
    run, lines = analysis.run, []
    for cells in (run.compared, run.controls):
        for method, proxy in dict.fromkeys((c.method, c.proxy_name) for c in cells):
            cell = representative([c for c in cells if (c.method, c.proxy_name) == (method, proxy)])
            hump = analysis.humps.get(cell.setting)
            sentence = _sentence(setting_label(cell, run), cell, hump)
            test = "hump" if cell.on_policy else "turn"
            lines.append(replace(sentence, test=test, kind=cell.kind, rows=_rows(cell, hump)))
    return lines


def _rows(cell: Cell, hump: HumpVerdict | None) -> tuple[tuple[str, str], ...]:
    """Links to the peak and the end of the curve that the sentence is about."""
    if hump and hump.rise.defined:
        return (("peak", hump.replicates[0].peak_row_id), ("end", hump.replicates[0].end_row_id))
    return (("last policy", cell.curve.row_ids[cell.last]),)


def _sentence(label: str, cell: Cell, hump: HumpVerdict | None) -> Sentence:
    curve, last = cell.curve, cell.last
    if len(curve) < 2:
        return Sentence(label, "one policy evaluated so far.", "", "")
    if hump and hump.rise.defined:
        beside = f"{_wins(cell, hump)}{_second(hump)}"
        return Sentence(label, _moves(hump), hump.verdict, hump.reason, beside=beside)
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


def _wins(cell: Cell, hump: HumpVerdict) -> str:
    """Gold's win rate at the two rows of the first replicate, and where it is highest if that is elsewhere."""
    part, curve, ids = hump.replicates[0], by_win_rate(cell), cell.curve.row_ids
    if part.peak_row_id not in ids:
        return ""
    peak, end, highest = ids.index(part.peak_row_id), ids.index(part.end_row_id), highest_win(cell)
    if highest is None:
        return ""
    values = [plus_minus(100 * curve.gold[row], 196 * curve.gold_se[row], decimals=0) for row in (peak, end)]
    kl = curve.kl
    far = max(kl[highest], kl[peak]) > 1.5 * max(min(kl[highest], kl[peak]), 1e-9)
    elsewhere = f", and is highest elsewhere, at {nats(kl[highest])}" if far else ""
    return f"Gold wins {values[0]}% against π_ref at the peak and {values[1]}% at the end{elsewhere}. "


def _second(hump: HumpVerdict) -> str:
    """The second opinions and, for a hump that is undecided, the replicates that it would need."""
    need = hump.needed.replicates if hump.verdict == "undecided" else None
    if need and need <= len(hump.replicates):  # enough for the means: what lacks is that single replicates show it
        need = None
    return f"Second opinions: {hump.second.beside(hump.verdict)}." + (
        f" A verdict would need about {need} replicates." if need else ""
    )


def _size(change: Estimate) -> str:
    return plus_minus(abs(change.point), change.error)

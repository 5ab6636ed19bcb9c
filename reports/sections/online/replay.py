"""Replays of stored online pairs, in order and shuffled; and whether a better classifier writes better.

`spectrum` shows the figures.
"""

from dataclasses import replace

import numpy as np

from bench.stats.matched import at_kl
from bench.stats.verdicts.two_settings import REACH, last_shared
from reports.analysis.analysis import Analysis
from reports.draw.figure import Dash, Figure, Float, Key, Panel, Series, padded
from reports.draw.labels import GOLD, D, method_keys
from reports.draw.style import INK, method_color, method_label
from reports.read.cell import Cell
from reports.read.pairs import by_accuracy, learns_from_pairs, loss_of, replays_of, sampler_of

_ACCURACY_AXIS = "held-out pairs ordered rightly"
_REPLAY = (
    "An online run; the same pairs replayed to another policy from the same start, in order (the same run again, "
    "so the curves coincide) and shuffled; and stored pairs of π_ref. First replicates. Each row is measured on "
    "fresh samples, so equal policies differ by that noise."
)
_ACCURACY = (
    "Accuracy of the implicit reward on held-out pairs of π_ref's samples, labelled by gold, against gold of the "
    "policy's responses; smallest β. Left: every evaluated policy of the first replicate. Right: at equal KL, the "
    "mean over replicates; bars are 95% intervals of gold."
)

_DASHES: dict[str, Dash] = {"replay": "dash", "replay_shuffled": "dot"}


def replay(analysis: Analysis) -> Figure | None:
    """Online, its pairs in order and shuffled, and stored pairs of pi_ref: over sqrt(KL), and as training goes on."""
    cells = _cells(analysis)
    if not cells:
        return None
    panels = []
    for x_label, x_of in ((D, _d), ("million responses trained on", _seen)):
        series = tuple(_line(cell, x_of(cell)) for cell in cells if np.isfinite(x_of(cell)).all())
        if series:
            panels.append(Panel("", x_label, GOLD, series, kl_on_top=x_of is _d))
    kinds = (Key("replayed in order", INK, "dash"), Key("replayed shuffled", INK, "dot"))
    alt = "Gold of an online run, of replays of its pairs, and of an offline run, over KL and over training."
    return Figure("replay", "The same pairs again", _REPLAY, alt, tuple(panels), (*method_keys(cells), *kinds))


def _cells(analysis: Analysis) -> list[Cell]:
    """First replicates at the smallest beta: the source below its replays, and an offline cell of the same loss."""
    pairs = [pair for pair in replays_of(analysis.run) if analysis.run.is_first(pair[0])]
    if not pairs:
        return []
    source = min((source for _, source in pairs), key=lambda c: c.beta)
    replays = [cell for cell, other in pairs if other.name == source.name]
    offline = [
        s[0] for s in analysis.pair_methods if sampler_of(s[0]) == "offline" and loss_of(s[0]) == loss_of(source)
    ]
    return [*offline[:1], source, *replays]


def _line(cell: Cell, x: Float) -> Series:
    order = np.argsort(x, kind="stable")
    color, dash = method_color(cell.kind), _DASHES.get(sampler_of(cell), "solid")
    line = Series(method_label(cell.kind), x[order], cell.curve.gold[order], color, dash=dash, method=cell.method)
    return replace(line, row_ids=tuple(cell.curve.row_ids[i] for i in order))


def _d(cell: Cell) -> Float:
    return cell.curve.d


def _seen(cell: Cell) -> Float:
    return cell.rows.samples_seen.to_numpy(dtype=float, na_value=np.nan) / 1e6


def accuracy(analysis: Analysis) -> Figure | None:
    """Gold against held-out pair accuracy: along training, and at the last KL that all reach."""
    settings = [cells for cells in analysis.pair_methods if np.isfinite(by_accuracy(cells[0]).gold).all()]
    if len(settings) < 2:
        return None
    along = tuple(_path(cells[0]) for cells in settings)
    panels = [_over_accuracy("Along training", along, 0.02)]
    kl = last_shared([c.curve for cells in settings for c in cells], analysis.run.budgets)
    if kl is not None:
        points = tuple(_point(analysis, cells, kl) for cells in settings)
        panels.append(_over_accuracy(f"At {kl:g} nats, the last that all reach", points, 0.01))
    keys = tuple(method_keys(cells[0] for cells in settings))
    alt = "Gold against accuracy on held-out pairs, one line a method, and one point a method at equal KL."
    return Figure("accuracy", "Does the better classifier write better?", _ACCURACY, alt, tuple(panels), keys)


def _over_accuracy(title: str, series: tuple[Series, ...], air: float) -> Panel:
    x = np.concatenate([s.x for s in series])
    x_range = (float(x.min()) - air, float(x.max()) + air)
    y_range = padded([v for s in series for v in (s.y, s.low, s.high) if v is not None])
    return Panel(title, _ACCURACY_AXIS, GOLD, series, x_range=x_range, y_range=y_range)


def _path(cell: Cell) -> Series:
    color = method_color(cell.kind)
    dash: Dash = "solid" if learns_from_pairs(cell) else "dot"
    line = Series(method_label(cell.kind), by_accuracy(cell).gold, cell.curve.gold, color, width=1.2, marker="dot")
    return replace(line, dash=dash, method=cell.method, row_ids=cell.curve.row_ids)


def _point(analysis: Analysis, cells: list[Cell], kl: float) -> Series:
    """Accuracy and gold at the KL as claims read them: the t mean over replicates, else the first one."""
    gold, kind = analysis.values.claimed(cells, kl), cells[0].kind
    right = np.mean([at_kl(by_accuracy(c), kl, REACH).point for c in cells])
    x, y, low, high = (np.array([v]) for v in (right, gold.point, gold.low, gold.high))
    line = Series(method_label(kind), x, y, method_color(kind), low, high, line=False, marker="diamond")
    return replace(line, bars=True, method=kind.method)

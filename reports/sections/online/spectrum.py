"""Online and offline: the same losses on stored pairs, on pairs refreshed at intervals, and on fresh pairs.

Cells are chosen by the sampler in their rows. Each method enters with its smallest beta, so that nothing is chosen
by the numbers compared.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from bench.config.claims import NEAREST
from reports.analysis.analysis import Analysis
from reports.draw.figure import Dash, Figure, Panel, Series, furthest, padded
from reports.draw.labels import GOLD, D, beyond_entropy, difference_label, method_keys, setting_label
from reports.draw.style import MUTED, method_color, method_label
from reports.draw.table import Row, Table, difference
from reports.read.cell import Cell, shared
from reports.read.pairs import learns_from_pairs, loss_of, refresh_of, sampler_of
from reports.read.run import RunData
from reports.sections.online.coverage import coverage
from reports.sections.online.replay import accuracy, replay
from reports.sections.section import Section

_SPECTRUM = (
    "Each method at its smallest β, from pairs stored before training (never refreshed) to pairs sampled at every "
    "step. Gold labels the stored pairs; grey lines join methods of one loss, dashed where gold labels the fresh "
    "pairs too. Local-linear interpolation in √KL, as for claims. Bars are 95% intervals: t over three or more "
    "replicates, else of the first one, by prompt. Methods with equal refresh intervals stand side by side. A "
    "method is left out at a budget that some replicate does not pass."
)
_SAMPLERS = (
    "Each method at its smallest β, a panel a loss. Stored pairs are dashed, replays dotted, pairs of the policy "
    "itself solid. With three or more replicates their mean, else the first one. Intervals are in the tables. "
    "Methods that imitate appear beside every loss. Shaded: beyond π_ref's entropy (outside its typical set)."
)
_GAINS = (
    "Gold minus that of the offline method with the same loss, at the same KL and the smallest β of both, paired "
    "by prompt. ± is half of the 95% interval: t over three or more shared replicates, else conditional on the "
    "first one. Not corrected for multiple comparisons."
)

_BUDGETS = 3  # panels
_APART = 0.12  # between points that share a place


def spectrum(analysis: Analysis) -> Figure | None:
    """Gold at matched KL from stored pairs to fresh ones, a panel a budget."""
    settings = [cells for cells in analysis.pair_methods if not np.isnan(refresh_of(cells[0]))]
    places = {k: float(i) for i, k in enumerate(sorted({refresh_of(cells[0]) for cells in settings}, reverse=True))}
    budgets = _shared_budgets(analysis, settings)
    if len(places) < 2 or not budgets:
        return None
    series_by = {budget: _at_budget(analysis, settings, places, budget) for budget in budgets}
    ticks = tuple((x, {np.inf: "never", 1.0: "1 (online)"}.get(k, f"{k:g}")) for k, x in places.items())
    y_range = padded(
        [v for series in series_by.values() for s in series for v in (s.y, s.low, s.high) if v is not None]
    )
    panels = tuple(
        Panel(f"At {budget:g} nats", "steps between fresh pairs", GOLD, tuple(series), x_ticks=ticks)
        for budget, series in series_by.items()
    )
    panels = tuple(replace(panel, x_range=(-0.5, len(places) - 0.5), y_range=y_range) for panel in panels)
    alt = "Gold at matched KL budgets against how often the pairs are drawn anew."
    seen = {s.method for series in series_by.values() for s in series}
    keys = tuple(method_keys(cells[0] for cells in settings if cells[0].method in seen))
    return Figure("spectrum", "From stored pairs to fresh ones", _SPECTRUM, alt, panels, keys)


def _shared_budgets(analysis: Analysis, settings: Sequence[Sequence[Cell]]) -> list[float]:
    """Up to three budgets, from one nat to the entropy, at which methods of more than one place have a value."""
    run, values = analysis.run, analysis.values
    inside = [b for b in run.budgets if b >= NEAREST and (run.entropy is None or b <= run.entropy)]
    places = {b: {refresh_of(s[0]) for s in settings if values.claimed(s, b).defined} for b in inside}
    shared_by = [b for b in inside if len(places[b]) > 1]
    picked = np.linspace(0, len(shared_by) - 1, min(_BUDGETS, len(shared_by))).round().astype(int)
    return [shared_by[i] for i in picked]


def _at_budget(
    analysis: Analysis, settings: Sequence[list[Cell]], places: dict[float, float], budget: float
) -> list[Series]:
    """A point a method, side by side where they share a place; those of one loss and labeller are joined."""
    points: list[tuple[list[Cell], Series]] = []
    alike = [refresh_of(cells[0]) for cells in settings]
    for i, cells in enumerate(settings):
        value, k, kind = analysis.values.claimed(cells, budget), alike[i], cells[0].kind
        if not value.defined:
            continue
        x = places[k] + _APART * (alike[:i].count(k) - (alike.count(k) - 1) / 2)
        place, y, low, high = (np.array([v]) for v in (x, value.point, value.low, value.high))
        point = Series(method_label(kind), place, y, method_color(kind), low, high, line=False)
        points.append((cells, replace(point, marker="diamond", bars=True, method=kind.method)))
    return [*_joined(analysis.run, points), *(point for _, point in points)]


def _joined(run: RunData, points: Sequence[tuple[list[Cell], Series]]) -> list[Series]:
    """A line from stored pairs, labelled by gold, through fresh ones of one labeller; dashed where that is gold too."""
    lines = []
    groups = dict.fromkeys((loss_of(cells[0]), by) for cells, _ in points if (by := _labeller(run, cells[0])))
    for loss, by in groups:
        some = [pair for pair in points if loss_of(pair[0][0]) == loss and _labeller(run, pair[0][0]) in ("", by)]
        first = {refresh_of(cells[0]): point for cells, point in reversed(some)}
        way = [first[k] for k in sorted(first, reverse=True)]
        if len(way) > 1:
            along, height = np.concatenate([p.x for p in way]), np.concatenate([p.y for p in way])
            dash: Dash = "dash" if by == "gold" else "solid"
            lines.append(Series(f"{loss}, fresh pairs labelled by {by}", along, height, MUTED, dash=dash, width=1.2))
    return lines


def _labeller(run: RunData, cell: Cell) -> str:
    """The labeller of fresh pairs; empty where pairs are stored."""
    config = run.config.get("method", {}).get(cell.method, {})
    return "" if np.isinf(refresh_of(cell)) else str(config.get("labelled_by", "proxy"))


def samplers(analysis: Analysis) -> Figure | None:
    """Gold over sqrt(KL), a panel a loss, a line a method."""
    run, settings = analysis.run, analysis.pair_methods
    losses = dict.fromkeys(loss_of(cells[0]) for cells in settings if learns_from_pairs(cells[0]))
    series_by = {loss: [_mean_line(analysis, s) for s in settings if _shown_with(s[0], loss)] for loss in losses}
    series_by = {loss: lines for loss, lines in series_by.items() if len(lines) > 1}
    if not series_by:
        return None
    everything = [s for lines in series_by.values() for s in lines]
    y_range, x_range = padded([s.y for s in everything]), (0.0, 1.04 * furthest(everything))
    panels = [
        Panel(loss.replace("_", " ") if len(series_by) > 1 else "", D, GOLD, tuple(lines), kl_on_top=True)
        for loss, lines in series_by.items()
    ]
    panels = [replace(p, marks=beyond_entropy(run, everything), x_range=x_range, y_range=y_range) for p in panels]
    shown_methods = {s.method for s in everything}
    keys = method_keys(cells[0] for cells in settings if cells[0].method in shown_methods)
    alt = "Gold against the square root of KL, one line a method, by where its pairs come from."
    return Figure("samplers", "Where the pairs come from", _SAMPLERS, alt, tuple(panels), tuple(keys))


def _shown_with(cell: Cell, loss: str) -> bool:
    """Imitation of the same data stands beside every loss."""
    return loss_of(cell) == loss or not learns_from_pairs(cell)


def _mean_line(analysis: Analysis, cells: list[Cell]) -> Series:
    """The replicates' mean curve where there are enough, else the first one; offline dashed."""
    mean = analysis.values.mean(cells, "gold")
    first, dashes = cells[0], dict[str, Dash]({"offline": "dash", "replay": "dot", "replay_shuffled": "dot"})
    dash = dashes.get(sampler_of(first), "solid")
    color, label = method_color(first.kind), setting_label(first, analysis.run)
    if mean is None:
        line = Series(label, first.curve.d, first.curve.gold, color, dash=dash, method=first.method)
        return replace(line, row_ids=first.curve.row_ids)
    return Series(f"{label}, mean of {len(cells)}", mean.d, mean.mean, color, dash=dash, method=first.method)


def gains(analysis: Analysis) -> Table:
    """Gold of each method minus that of the offline method with the same loss, at each budget."""
    run, settings = analysis.run, analysis.pair_methods
    budgets = [b for b in run.budgets if run.entropy is None or b <= run.entropy]
    offline = {loss_of(s[0]): s for s in reversed(settings) if sampler_of(s[0]) == "offline"}
    records, body = [], list[Row]()
    for cells in settings:
        base = offline.get(loss_of(cells[0]))
        mine, theirs = shared(cells, base) if base else ([], [])
        if not mine or mine[0].method == theirs[0].method:
            continue
        found = [analysis.values.difference(mine, theirs, b) for b in budgets]
        if any(e.defined for e in found):
            sampler = sampler_of(cells[0]).replace("_", ", ")
            body.append((difference_label(mine[0], theirs[0], run), sampler, *map(difference, found)))
            records += [
                {"one": mine[0].name, "other": theirs[0].name, "sampler": sampler_of(cells[0]), "budget_nats": b}
                | {"difference": e.point, "low": e.low, "high": e.high, "n": e.n, "reason": e.reason}
                for b, e in zip(budgets, found, strict=True)
            ]
    head = ("nats", "pairs", *(f"{b:g}" for b in budgets))
    return Table("gains", "What fresh pairs gain", _GAINS, pd.DataFrame(records), head, tuple(body), text=2)


SECTION = Section(
    "online-offline",
    "Online and offline",
    (spectrum, gains, samplers, replay, accuracy, coverage),
)

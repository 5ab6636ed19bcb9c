"""The gold-KL frontier: the best gold of each method at each KL budget, and methods at matched KL."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from reports.analysis.analysis import Analysis
from reports.draw.figure import Dash, Figure, Key, Panel, Series, padded
from reports.draw.labels import GOLD, D, beyond_entropy, beyond_entropy_keys
from reports.draw.style import method_color, method_label, shade
from reports.read.cell import Cell
from reports.read.run import RunData
from reports.sections.curves.budgets import budgets
from reports.sections.curves.matched import matched
from reports.sections.curves.wins import win_curves, win_rates
from reports.sections.section import Section

_FRONTIER = (
    "Diamonds: gold at each KL budget, by local-linear interpolation in d = √KL, with 95% intervals (t over three "
    "or more replicates, else clustered by prompt). Each method uses its setting that is best on the select "
    "prompts. Dots: every evaluated policy. Best-of-n is dashed: it gains more gold per nat than training by "
    "construction, so do not rank it against training at equal KL."
)


def frontier(analysis: Analysis) -> Figure | None:
    """Gold at each budget for each method, the coefficient chosen on `select`."""
    run = analysis.run
    cells = [c for c in run.compared if len(c.curve) > 1]
    series, keys = [], []
    for method, points in analysis.frontiers.items():
        some, color = [c for c in cells if c.method == method], method_color(run.kinds[method])
        series.append(_every_row(some))
        dash: Dash = "dash" if some[0].best_of_n else "solid"
        if points:
            x = np.array([p.budget**0.5 for p in points])
            y, low, high = (np.array([getattr(p.gold, name) for p in points]) for name in ("point", "low", "high"))
            label = f"{method_label(run.kinds[method])}, at budgets"
            series.append(Series(label, x, y, color, low, high, dash, 2.2, "diamond", bars=True, method=method))
        keys.append(Key(method_label(run.kinds[method]), color, dash, method=method))
    if not keys or not any(s.line for s in series):
        return None
    panels = [Panel("", D, GOLD, tuple(series), beyond_entropy(run, series), (), kl_on_top=True)]
    closer = _within_entropy(run, panels[0])
    if closer is not None:
        panels = [replace(panels[0], title="All budgets"), closer]
    return Figure(
        "frontier",
        "The gold-KL frontier",
        _FRONTIER,
        f"Gold against the square root of KL for {', '.join(k.label for k in keys)}.",
        tuple(panels),
        (*keys, *beyond_entropy_keys(panels)),
    )


def _every_row(cells: Sequence[Cell]) -> Series:
    """Every evaluated policy of one method, as dots."""
    kind = cells[0].kind
    d = np.concatenate([c.curve.d for c in cells])
    gold = np.concatenate([c.curve.gold for c in cells])
    ids = tuple(row_id for c in cells for row_id in c.curve.row_ids)
    faded = shade(method_color(kind), 1, 2)
    every = Series(f"{method_label(kind)}, every row", d, gold, faded, line=False, marker="dot")
    return replace(every, method=kind.method, row_ids=ids)


def _within_entropy(run: RunData, panel: Panel) -> Panel | None:
    """The lines at budgets within pi_ref's entropy, closer up; None where nothing lies beyond it."""
    if run.entropy is None or not panel.marks:
        return None
    series = []
    for line in (s for s in panel.series if s.line):
        inside = line.x**2 <= run.entropy
        low, high = (None if v is None else v[inside] for v in (line.low, line.high))
        series.append(replace(line, x=line.x[inside], y=line.y[inside], low=low, high=high))
    y_range = padded([v for s in series for v in (s.low, s.high) if v is not None])
    return replace(panel, title="Budgets up to π_ref's entropy", series=tuple(series), marks=(), y_range=y_range)


SECTION = Section(
    "frontier", "The frontier, and methods at matched KL", (frontier, matched, budgets, win_rates, win_curves)
)

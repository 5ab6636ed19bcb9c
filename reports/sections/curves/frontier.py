"""The gold-KL frontier: the best gold of each method at each KL budget. `figures` calls it.

The setting is chosen on the select prompts and its value read on the report prompts, so that the best of many is
not the luckiest.
"""

from dataclasses import replace

import numpy as np

from bench.stats.curves import Curve
from bench.stats.replicates import value_over
from reports.draw.figure import Dash, Figure, Key, Panel, Series, padded
from reports.draw.style import method_color, method_label, shade
from reports.read.load import RunData
from reports.sections import words
from reports.sections.curves.hero import support, support_keys


def frontier(run: RunData) -> Figure | None:
    """Gold at each budget for each method, the coefficient chosen on `select`."""
    cells = [c for c in run.compared if len(c.curve) > 1]
    series, keys = [], []
    for method in dict.fromkeys(c.method for c in cells):
        own, color = [c for c in cells if c.method == method], method_color(method)
        d = np.concatenate([c.curve.d for c in own])
        gold = np.concatenate([c.curve.gold for c in own])
        faded = shade(color, 1, 2)
        ids = tuple(row_id for c in own for row_id in c.curve.row_ids)
        every = Series(f"{method_label(method)}, every row", d, gold, faded, line=False, marker="dot")
        series.append(replace(every, method=method, row_ids=ids))
        settings = [[c.curve for c in run.replicates(cell)] for cell in own if run.is_first(cell)]
        line = _best_at_budgets(settings, run.budgets)
        dash: Dash = "dash" if own[0].best_of_n else "solid"
        if line is not None:
            x, y, low, high = line
            label = f"{method_label(method)}, at budgets"
            series.append(Series(label, x, y, color, low, high, dash, 2.2, "diamond", bars=True, method=method))
        keys.append(Key(method_label(method), color, dash, method=method))
    if not keys or not any(s.line for s in series):
        return None
    panels = [Panel("", words.D, words.GOLD, tuple(series), support(run, series), (), kl_on_top=True)]
    closer = _within_support(run, panels[0])
    if closer is not None:
        panels = [replace(panels[0], title="All budgets"), closer]
    return Figure(
        "frontier",
        "The gold-KL frontier",
        words.FRONTIER,
        f"Gold against the square root of KL for {', '.join(k.label for k in keys)}.",
        tuple(panels),
        (*keys, *support_keys(panels)),
    )


def _within_support(run: RunData, panel: Panel) -> Panel | None:
    """The lines at budgets within pi_ref's entropy, closer up; None where nothing lies beyond it."""
    if run.entropy is None or not panel.marks:
        return None
    series = []
    for line in (s for s in panel.series if s.line):
        inside = line.x**2 <= run.entropy
        low, high = (None if v is None else v[inside] for v in (line.low, line.high))
        series.append(replace(line, x=line.x[inside], y=line.y[inside], low=low, high=high))
    y_range = padded([v for s in series for v in (s.low, s.high) if v is not None])
    return replace(panel, title="Budgets within π_ref's support", series=tuple(series), marks=(), y_range=y_range)


def _best_at_budgets(settings: list[list[Curve]], budgets: tuple[float, ...]) -> tuple[np.ndarray, ...] | None:
    """d, value and interval at the budgets reached; the setting is chosen by its value on `select`."""
    points = []
    for budget in budgets:
        reached = [curves for curves in settings if value_over(curves, budget).defined]
        if reached:
            on_select = [value_over([_on_select(c) for c in curves], budget).point for curves in reached]
            best = reached[int(np.argmax(np.nan_to_num(on_select, nan=-np.inf)))]
            value = value_over(best, budget)
            points.append((budget**0.5, value.point, value.low, value.high))
    return tuple(np.array(points).T) if points else None


def _on_select(curve: Curve) -> Curve:
    """The same curve as measured on the select prompts, without samples."""
    none = np.empty((len(curve), 0))
    names = (curve.cell, curve.row_ids)
    se = np.zeros(len(curve))
    measured = (curve.gold_select, se, curve.proxy, se, curve.kl_select, curve.gold_select)
    return Curve(*names, curve.kl_select, *measured, none, none, none)

"""The offline family, every loss on the same pairs: its curves, the terms of its losses, what becomes of the pairs.

`figures` calls it. Where the losses' paths part is in `parting`, their best betas in `best_betas`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from bench.stats.replicates import mean_curve
from reports.analysis.strengths import family_of, strengths
from reports.draw.figure import Dash, Figure, Float, Key, Panel, Series, furthest, padded
from reports.draw.style import INK, method_color, method_label, shade
from reports.draw.table import named
from reports.read.load import Cell, RunData
from reports.read.paths import log_of
from reports.sections import words
from reports.sections.curves.hero import support, support_keys
from reports.sections.trust.training import thinned

_POINTS = 24  # of a term's line: single batches are noisy
_TERMS = {
    "preference_term": "Preference optimization: f'(0) β E[ρ]",  # noqa: RUF001
    "regularization_term": "Offline regularization: f''(0)/2 β² E[ρ²]",
}


def family(run: RunData) -> Figure | None:
    """Gold over sqrt(KL): every row with the smallest beta's curve; and where each beta ends."""
    cells = family_of(run)
    if not cells:
        return None
    curves = [series for own in cells.values() for series in _curves(run, own)]
    ends = [_ends(run, own) for own in cells.values()]
    x_range = (0.0, 1.04 * furthest(curves))
    y_range = padded([s.y for s in curves])
    panels = [
        Panel(title, words.D, words.GOLD, tuple(series), support(run, curves), x_range=x_range, y_range=y_range)
        for title, series in (("On the way", curves), ("At the end of training, a point a β", ends))
    ]
    panels = [replace(panel, kl_on_top=True) for panel in panels]
    keys = (*keys_of(own[0] for own in cells.values()), *support_keys(panels))
    alt = "Gold against the square root of KL for every offline loss, along training and at its end."
    return Figure("family", "One frontier?", words.FAMILY, alt, tuple(panels), keys)


def _curves(run: RunData, cells: Sequence[Cell]) -> list[Series]:
    """A loss's rows as dots, and its smallest beta as a line: the mean over replicates, or the first."""
    color, label = method_color(cells[0].method), method_label(cells[0].method)
    ids = tuple(row_id for c in cells for row_id in c.curve.row_ids)
    d, gold = (np.concatenate([getattr(c.curve, name) for c in cells]) for name in ("d", "gold"))
    dots = Series(f"{label}, every row", d, gold, shade(color, 1, 2), line=False, marker="dot", row_ids=ids)
    hardest = run.replicates(cells[0])
    mean = mean_curve([c.curve.d for c in hardest], [c.curve.gold for c in hardest])
    x, y = (mean.d, mean.mean) if mean is not None else (hardest[0].curve.d, hardest[0].curve.gold)
    told = named(cells[0], run) + (f", mean of {len(hardest)}" if mean is not None else "")
    line = Series(told, x, y, color)
    return [replace(s, method=cells[0].method) for s in (dots, line)]


def _ends(run: RunData, cells: Sequence[Cell]) -> Series:
    """The last policy of each beta's first replicate, joined in the order of beta."""
    last = [(c.curve, c.last) for c in cells if run.is_first(c)]
    d, gold, se = (np.array([getattr(curve, name)[row] for curve, row in last]) for name in ("d", "gold", "gold_se"))
    half, method = 1.96 * se, cells[0].method
    drawn = Series(method_label(method), d, gold, method_color(method), gold - half, gold + half, marker="diamond")
    ids = tuple(curve.row_ids[row] for curve, row in last)
    return replace(drawn, bars=True, width=1.2, method=method, row_ids=ids)


def taylor(run: RunData) -> Figure | None:
    """The first two terms of the expansion along training: the smallest beta, and the best of those run."""
    top = {s.method: s.top for s in strengths(run)}
    hardest = [own[0] for own in family_of(run).values()]
    best = [cell for c in hardest if (cell := top.get(c.method)) is not None and cell.name != c.name]
    drawn = {name: [*_terms(run, hardest, name, "solid"), *_terms(run, best, name, "dash")] for name in _TERMS}
    panels = tuple(
        Panel(_TERMS[name], "step", "in units of the loss", tuple(lines)) for name, lines in drawn.items() if lines
    )
    if not panels:
        return None
    keys = (*keys_of(hardest), Key("smallest β", INK), Key("best β of those run", INK, "dash"))
    alt = "The first- and second-order terms of each loss over training steps."
    return Figure("taylor", "What each loss is made of", words.TAYLOR, alt, panels, keys)


def _terms(run: RunData, cells: Sequence[Cell], name: str, dash: Dash) -> list[Series]:
    series = []
    for cell in cells:
        log = log_of(run, cell)
        if name in log:
            known = log[["step", name]].dropna()
            x, y = (thinned(known[column].to_numpy(dtype=float), _POINTS) for column in ("step", name))
            line = Series(named(cell, run), x, y, method_color(cell.method), dash=dash, width=1.2)
            series.append(replace(line, method=cell.method))
    return series


def logratios(run: RunData) -> Figure | None:
    """How the chosen and the rejected held-out responses fare, over training: smallest betas, first replicates."""
    hardest = [own[0] for own in family_of(run).values()]
    columns = {"chosen_logratio": "Chosen", "rejected_logratio": "Rejected"}
    drawn = {title: [s for c in hardest if (s := _held_out(c, name)) is not None] for name, title in columns.items()}
    if not any(drawn.values()):
        return None
    y_range = padded([s.y for series in drawn.values() for s in series])
    panels = tuple(
        Panel(title, "step", "log-ratio to π_ref (nats)", tuple(series), y_range=y_range)
        for title, series in drawn.items()
        if series
    )
    alt = "Mean log-ratio to the reference of held-out chosen and rejected responses over training steps."
    return Figure("logratios", "Chosen and rejected responses", words.LOGRATIOS, alt, panels, tuple(keys_of(hardest)))


def _held_out(cell: Cell, name: str) -> Series | None:
    rows = cell.rows.sort_values("step")
    y = rows[name].to_numpy(dtype=float, na_value=np.nan)
    if np.isfinite(y).sum() < 2:
        return None
    x: Float = rows.step.to_numpy(dtype=float)
    drawn = Series(method_label(cell.method), x, y, method_color(cell.method), width=1.4, method=cell.method)
    return replace(drawn, row_ids=tuple(rows.row_id))


def keys_of(cells: Iterable[Cell]) -> list[Key]:
    """The legend's entries of these cells' methods."""
    return [Key(method_label(c.method), method_color(c.method), method=c.method) for c in cells]

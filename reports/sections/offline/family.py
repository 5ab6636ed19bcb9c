"""The offline family, every loss on the same pairs: curves, terms of the losses, and log-ratios of the pairs."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from reports.analysis.analysis import Analysis
from reports.draw.figure import Dash, Figure, Float, Key, Panel, Series, furthest, padded, thinned
from reports.draw.labels import GOLD, D, beyond_entropy, beyond_entropy_keys, method_keys, setting_label
from reports.draw.style import INK, method_color, method_label, shade
from reports.read.cell import Cell
from reports.read.run import RunData
from reports.sections.offline.best_betas import best_betas, best_betas_table
from reports.sections.offline.divergence import divergence, equivalence
from reports.sections.section import Section

_FAMILY = (
    "Every loss on the same stored pairs. Left: dots are all evaluated policies at every β; the line is the "
    "smallest β (the mean of three or more replicates). Right: the last policy of each β, first replicates, "
    "joined in the order of β; bars are ±1.96 se. Near π_ref the gradients of all losses are parallel, so curves "
    "that coincide there are no finding."
)
_TAYLOR = (
    "The first two terms of E f(βρ) around π_ref, from training batches, thinned. The first pulls towards the "
    "chosen responses; the second keeps the policy near the data. The smallest β is solid, the best of those run "
    "dashed; first replicates. A loss without curvature at 0 (the hinge) has no second term."
)
_LOGRATIOS = (
    "Mean log-ratio to π_ref of held-out chosen and rejected responses, at every evaluated policy of the smallest "
    "β, first replicates. Contrastive losses raise the difference; the chosen response itself may still fall."
)

_POINTS = 24  # of a term's line: single batches are noisy
_TERMS = {
    "preference_term": "Preference optimization: f'(0) β E[ρ]",  # noqa: RUF001
    "regularization_term": "Offline regularization: f''(0)/2 β² E[ρ²]",
}


def family(analysis: Analysis) -> Figure | None:
    """Gold over sqrt(KL): every row with the smallest beta's curve; and where each beta ends."""
    run, cells = analysis.run, analysis.family
    if not cells:
        return None
    curves = [series for group in cells.values() for series in _curves(analysis, group)]
    ends = [_ends(run, group) for group in cells.values()]
    x_range = (0.0, 1.04 * furthest(curves))
    y_range = padded([s.y for s in curves])
    panels = [
        Panel(title, D, GOLD, tuple(series), beyond_entropy(run, curves), x_range=x_range, y_range=y_range)
        for title, series in (("On the way", curves), ("At the end of training, a point a β", ends))
    ]
    panels = [replace(panel, kl_on_top=True) for panel in panels]
    keys = (*method_keys(group[0] for group in cells.values()), *beyond_entropy_keys(panels))
    alt = "Gold against the square root of KL for every offline loss, along training and at its end."
    return Figure("family", "One frontier?", _FAMILY, alt, tuple(panels), keys)


def _curves(analysis: Analysis, cells: Sequence[Cell]) -> list[Series]:
    """A loss's rows as dots, and its smallest beta as a line: the mean over replicates, or the first."""
    color, label = method_color(cells[0].kind), method_label(cells[0].kind)
    ids = tuple(row_id for c in cells for row_id in c.curve.row_ids)
    d, gold = (np.concatenate([getattr(c.curve, name) for c in cells]) for name in ("d", "gold"))
    dots = Series(f"{label}, every row", d, gold, shade(color, 1, 2), line=False, marker="dot", row_ids=ids)
    replicates = analysis.run.replicates(cells[0])
    mean = analysis.values.mean(replicates, "gold")
    x, y = (mean.d, mean.mean) if mean is not None else (replicates[0].curve.d, replicates[0].curve.gold)
    name = setting_label(cells[0], analysis.run) + (f", mean of {len(replicates)}" if mean is not None else "")
    line = Series(name, x, y, color)
    return [replace(s, method=cells[0].method) for s in (dots, line)]


def _ends(run: RunData, cells: Sequence[Cell]) -> Series:
    """The last policy of each beta's first replicate, joined in the order of beta."""
    last = [(c.curve, c.last) for c in cells if run.is_first(c)]
    d, gold, se = (np.array([getattr(curve, name)[row] for curve, row in last]) for name in ("d", "gold", "gold_se"))
    half, kind = 1.96 * se, cells[0].kind
    plotted = Series(method_label(kind), d, gold, method_color(kind), gold - half, gold + half, marker="diamond")
    ids = tuple(curve.row_ids[row] for curve, row in last)
    return replace(plotted, bars=True, width=1.2, method=kind.method, row_ids=ids)


def taylor(analysis: Analysis) -> Figure | None:
    """The first two terms of the expansion along training: the smallest beta, and the best of those run."""
    run, top = analysis.run, {s.method: s.top for s in analysis.strengths}
    smallest = [group[0] for group in analysis.family.values()]
    best = [cell for c in smallest if (cell := top.get(c.method)) is not None and cell.name != c.name]
    plotted = {name: [*_terms(run, smallest, name, "solid"), *_terms(run, best, name, "dash")] for name in _TERMS}
    panels = tuple(
        Panel(_TERMS[name], "step", "in units of the loss", tuple(lines)) for name, lines in plotted.items() if lines
    )
    if not panels:
        return None
    keys = (*method_keys(smallest), Key("smallest β", INK), Key("best β of those run", INK, "dash"))
    alt = "The first- and second-order terms of each loss over training steps."
    return Figure("taylor", "What each loss is made of", _TAYLOR, alt, panels, keys)


def _terms(run: RunData, cells: Sequence[Cell], name: str, dash: Dash) -> list[Series]:
    series = []
    for cell in cells:
        log = run.log(cell)
        if name in log:
            known = log[["step", name]].dropna()
            x, y = (thinned(known[column].to_numpy(dtype=float), _POINTS) for column in ("step", name))
            line = Series(setting_label(cell, run), x, y, method_color(cell.kind), dash=dash, width=1.2)
            series.append(replace(line, method=cell.method))
    return series


def logratios(analysis: Analysis) -> Figure | None:
    """Log-ratios of chosen and rejected held-out responses over training: smallest betas, first replicates."""
    smallest = [group[0] for group in analysis.family.values()]
    columns = {"chosen_logratio": "Chosen", "rejected_logratio": "Rejected"}
    plotted = {title: [s for c in smallest if (s := _held_out(c, name)) is not None] for name, title in columns.items()}
    if not any(plotted.values()):
        return None
    y_range = padded([s.y for series in plotted.values() for s in series])
    panels = tuple(
        Panel(title, "step", "log-ratio to π_ref (nats)", tuple(series), y_range=y_range)
        for title, series in plotted.items()
        if series
    )
    alt = "Mean log-ratio to the reference of held-out chosen and rejected responses over training steps."
    return Figure("logratios", "Chosen and rejected responses", _LOGRATIOS, alt, panels, tuple(method_keys(smallest)))


def _held_out(cell: Cell, name: str) -> Series | None:
    rows = cell.rows.sort_values("step")
    y = rows[name].to_numpy(dtype=float, na_value=np.nan)
    if np.isfinite(y).sum() < 2:
        return None
    x: Float = rows.step.to_numpy(dtype=float)
    plotted = Series(method_label(cell.kind), x, y, method_color(cell.kind), width=1.4, method=cell.method)
    return replace(plotted, row_ids=tuple(rows.row_id))


SECTION = Section(
    "offline-family",
    "The offline family",
    (family, divergence, equivalence, best_betas, best_betas_table, taylor, logratios),
)

"""Columns of the rows against sqrt(KL): the figure of the hero and the controls, and lines for other figures."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from reports.analysis.analysis import Analysis
from reports.draw.figure import Dash, Figure, Key, Marker, Panel, Series, furthest, padded
from reports.draw.labels import beyond_entropy, beyond_entropy_keys, proxy_label
from reports.draw.style import INK, Color, method_color, method_label, shade
from reports.read.cell import Cell

LINES: dict[str, tuple[Dash, float]] = {
    "gold": ("solid", 2.2),
    "win_rate": ("solid", 2.2),
    "proxy": ("dash", 1.4),
    "writers": ("dash", 1.4),
    "rubric": ("dot", 1.4),
}


@dataclass(frozen=True)
class Frame:
    """A figure's file stem, title and caption."""

    name: str
    title: str
    caption: str


def curves_figure(
    analysis: Analysis, cells: Sequence[Cell], what: tuple[str, ...], frame: Frame, y: str = "sd above π_ref"
) -> Figure | None:
    """The columns `what` against sqrt(KL), a panel for each method and proxy; None without cells."""
    run = analysis.run
    groups: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.method, "" if cell.best_of_n else cell.proxy_name), []).append(cell)
    if not groups:
        return None
    by_group = {key: _series(analysis, group, what) for key, group in groups.items()}
    everything = [s for series in by_group.values() for s in series]
    y_range = padded([v for s in everything for v in (s.y, s.low, s.high) if v is not None])
    d_max = furthest(everything)
    panels = tuple(
        Panel(
            method_label(run.kinds[method])
            + (f" · {proxy_label(proxy)}" if proxy and run.several_proxies(method) else ""),
            "√KL",
            y,
            tuple(series),
            beyond_entropy(run, everything),
            _variant_keys(groups[method, proxy]),
            kl_on_top=True,
            x_range=(0.0, 1.04 * d_max),
            y_range=y_range,
        )
        for (method, proxy), series in by_group.items()
    )
    keys = tuple(Key(_words(w), INK, LINES[w][0]) for w in what) + beyond_entropy_keys(panels)
    methods = ", ".join(dict.fromkeys(method_label(run.kinds[method]) for method, _ in groups))
    return Figure(
        frame.name,
        frame.title,
        frame.caption,
        f"{frame.title}: {methods}, against the square root of KL.",
        panels,
        keys,
    )


def lines(analysis: Analysis, replicates: list[Cell], what: str, label: str, color: Color) -> list[Series]:
    """The replicates of one setting: thin lines, and their mean with a t band where there are enough of them.

    With too few, the first stands out with its own band, clustered by prompt.
    """
    dash, width = LINES[what]
    values = [c.rows[what].to_numpy(dtype=float) for c in replicates]
    mean = analysis.values.mean(replicates, what)
    series = []
    for cell, y in zip(replicates, values, strict=True):
        if not np.isfinite(y).any():
            continue
        if mean is None and analysis.run.is_first(cell):
            half = 1.96 * cell.rows[f"{what}_se"].to_numpy(dtype=float)
            marker: Marker = "dot" if what in ("gold", "win_rate") else "none"
            line = Series(label, cell.curve.d, y, color, y - half, y + half, dash, width, marker)
        else:
            name = f"{label}, replicate {cell.replicate}"
            line = Series(name, cell.curve.d, y, color, dash=dash, width=0.6)
        series.append(replace(line, method=cell.method, row_ids=cell.curve.row_ids))
    if mean is not None:
        name = f"{label}, mean of {len(replicates)}"
        band = Series(name, mean.d, mean.mean, color, mean.low, mean.high, dash, width)
        series.append(replace(band, method=replicates[0].method))
    return series


def _series(analysis: Analysis, cells: list[Cell], what: tuple[str, ...]) -> list[Series]:
    """Lines of one panel: a shade a variant, the smallest coefficient drawn last."""
    variants, series = _variants(cells), []
    for i, (label, replicates) in reversed(list(enumerate(variants.items()))):
        color = shade(method_color(cells[0].kind), i, len(variants))
        for w in reversed(what):
            name = f"{_words(w)}, {label}" if label else _words(w)
            series += lines(analysis, replicates, w, name, color)
    return series


def _words(column: str) -> str:
    return column.replace("_", " ")


def _variants(cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    """The settings of one panel by label, the smallest coefficient first, each with its replicates."""
    variants: dict[str, list[Cell]] = {}
    for cell in sorted(cells, key=lambda c: np.nan_to_num(c.beta)):
        label = f"β = {cell.beta:g}" if np.isfinite(cell.beta) else ""
        if cell.best_of_n:
            label = proxy_label(cell.proxy_name)
        variants.setdefault(label, []).append(cell)
    return variants


def _variant_keys(cells: list[Cell]) -> tuple[Key, ...]:
    labels, color = [label for label in _variants(cells) if label], method_color(cells[0].kind)
    return tuple(Key(label, shade(color, i, len(labels))) for i, label in enumerate(labels))

"""The picture the project exists to draw: gold and proxy over sqrt(KL), a panel for each method and proxy.

The controls get the same picture with the rubric added. `figures` calls it.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bench.stats.replicates import mean_curve
from reports.draw.figure import Dash, Figure, Key, Mark, Marker, Panel, Series, furthest, padded
from reports.draw.style import INK, Color, method_color, method_label, shade
from reports.read.load import Cell, RunData
from reports.sections import words

LINES: dict[str, tuple[Dash, float]] = {
    "gold": ("solid", 2.2),
    "proxy": ("dash", 1.4),
    "writers": ("dash", 1.4),
    "rubric": ("dot", 1.4),
}


def hero(run: RunData) -> Figure | None:
    """Gold and proxy against sqrt(KL), a panel for each method and proxy."""
    cells = [c for c in run.compared if len(c.curve) > 1]
    return _panels(
        run,
        cells,
        ("gold", "proxy"),
        "hero",
        "Gold and proxy as optimisation goes on",
        words.HERO,
    )


def controls(run: RunData) -> Figure | None:
    """The controls: optimising gold itself must not hurt, and permuted labels must not help."""
    cells = [c for c in run.controls if len(c.curve) > 1]
    return _panels(
        run,
        cells,
        ("gold", "proxy", "rubric"),
        "controls",
        "Controls",
        words.CONTROLS,
    )


def support(run: RunData, series: Sequence[Series]) -> tuple[Mark, ...]:
    """pi_ref's entropy, where some row comes near it."""
    if run.entropy is None or not series:
        return ()
    return (Mark(run.entropy**0.5, beyond=True),) if furthest(series) > 0.8 * run.entropy**0.5 else ()


def support_keys(panels: Sequence[Panel]) -> tuple[Key, ...]:
    """The legend's word for the shaded region, where one is drawn."""
    shaded = any(mark.beyond for panel in panels for mark in panel.marks)
    return (Key("beyond π_ref's entropy: outside its support", INK, marker="region"),) if shaded else ()


def proxy_label(name: str) -> str:
    return f"{name.replace('_', '-')} proxy"


def _panels(
    run: RunData, cells: list[Cell], what: tuple[str, ...], name: str, title: str, caption: str
) -> Figure | None:
    groups: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.method, "" if cell.best_of_n else cell.proxy_name), []).append(cell)
    if not groups:
        return None
    drawn = {key: _series(run, own, what) for key, own in groups.items()}
    everything = [s for series in drawn.values() for s in series]
    y_range = padded([v for s in everything for v in (s.y, s.low, s.high) if v is not None])
    d_max = furthest(everything)
    panels = tuple(
        Panel(
            method_label(method) + (f" · {proxy_label(proxy)}" if proxy and run.several_proxies(method) else ""),
            "√KL",
            "sd above π_ref",
            tuple(series),
            support(run, everything),
            _variant_keys(groups[method, proxy]),
            kl_on_top=True,
            x_range=(0.0, 1.04 * d_max),
            y_range=y_range,
        )
        for (method, proxy), series in drawn.items()
    )
    keys = tuple(Key(w, INK, LINES[w][0]) for w in what) + support_keys(panels)
    methods = ", ".join(dict.fromkeys(method_label(method) for method, _ in groups))
    return Figure(name, title, caption, f"{title}: {methods}, against the square root of KL.", panels, keys)


def _series(run: RunData, cells: list[Cell], what: tuple[str, ...]) -> list[Series]:
    """Lines of one panel: a shade a variant, the hardest-pressed drawn last."""
    variants, series = variants_of(cells), []
    for i, (label, replicates) in reversed(list(enumerate(variants.items()))):
        color = shade(method_color(cells[0].method), i, len(variants))
        for w in reversed(what):
            series += lines(run, replicates, w, f"{w}, {label}" if label else w, color)
    return series


def lines(run: RunData, replicates: list[Cell], what: str, label: str, color: Color) -> list[Series]:
    """The replicates of one setting: thin lines, and their mean with a t band where there are enough of them.

    With too few, the first stands out with its own band, clustered by prompt.
    """
    dash, width = LINES[what]
    values = [c.rows[what].to_numpy(dtype=float) for c in replicates]
    mean = mean_curve([c.curve.d for c in replicates], values)
    series = []
    for cell, y in zip(replicates, values, strict=True):
        if not np.isfinite(y).any():
            continue
        if mean is None and run.is_first(cell):
            half = 1.96 * cell.rows[f"{what}_se"].to_numpy(dtype=float)
            marker: Marker = "dot" if what == "gold" else "none"
            drawn = Series(label, cell.curve.d, y, color, y - half, y + half, dash, width, marker)
        else:
            name = f"{label}, replicate {cell.replicate}"
            drawn = Series(name, cell.curve.d, y, color, dash=dash, width=0.6)
        series.append(replace(drawn, method=cell.method, row_ids=cell.curve.row_ids))
    if mean is not None:
        name = f"{label}, mean of {len(replicates)}"
        band = Series(name, mean.d, mean.mean, color, mean.low, mean.high, dash, width)
        series.append(replace(band, method=replicates[0].method))
    return series


def variants_of(cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    """What tells the settings of one panel apart, the smallest coefficient first, each with its replicates."""
    variants: dict[str, list[Cell]] = {}
    for cell in sorted(cells, key=lambda c: np.nan_to_num(c.beta)):
        label = f"β = {cell.beta:g}" if np.isfinite(cell.beta) else ""
        if cell.best_of_n:
            label = proxy_label(cell.proxy_name)
        variants.setdefault(label, []).append(cell)
    return variants


def _variant_keys(cells: list[Cell]) -> tuple[Key, ...]:
    labels, color = [label for label in variants_of(cells) if label], method_color(cells[0].method)
    return tuple(Key(label, shade(color, i, len(labels))) for i, label in enumerate(labels))

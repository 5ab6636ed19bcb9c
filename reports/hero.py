"""The picture the project exists to draw: gold and proxy over sqrt(KL), a panel for each method and proxy.

The controls get the same picture with the rubric added. `figures` calls it.
"""

from collections.abc import Sequence

import numpy as np

from reports import words
from reports.figure import Dash, Figure, Key, Mark, Marker, Panel, Series, padded
from reports.load import Cell, RunData
from reports.style import INK, method_color, method_label, shade

LINES: dict[str, tuple[Dash, float]] = {"gold": ("solid", 2.2), "proxy": ("dash", 1.4), "rubric": ("dot", 1.4)}


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
    reach = max((float(np.nanmax(s.x)) for s in series if np.isfinite(s.x).any()), default=0.0)
    return (Mark(run.entropy**0.5, beyond=True),) if reach > 0.8 * run.entropy**0.5 else ()


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
        groups.setdefault((cell.method, cell.proxy_name), []).append(cell)
    if not groups:
        return None
    drawn = {key: _series(run, own, what) for key, own in groups.items()}
    everything = [s for series in drawn.values() for s in series]
    y_range = padded([v for s in everything for v in (s.y, s.low, s.high) if v is not None])
    d_max = max(float(np.nanmax(s.x)) for s in everything)
    panels = tuple(
        Panel(
            method_label(method) + (f" · {proxy_label(proxy)}" if run.several_proxies(method) else ""),
            "√KL",
            "sd above π_ref",
            tuple(series),
            support(run, everything),
            _beta_keys(groups[method, proxy]),
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
    """Lines of one panel: a shade a coefficient, a band for the first replicate, the rest thin."""
    betas = sorted({c.beta for c in cells})
    series = []
    for cell in sorted(cells, key=lambda c: -c.beta):
        color = shade(method_color(cell.method), _rank(betas, cell.beta), len(betas))
        first = run.is_first(cell)
        for w in reversed(what):
            y = cell.rows[w].to_numpy(dtype=float)
            if not np.isfinite(y).any():
                continue
            half = 1.96 * cell.rows[f"{w}_se"].to_numpy(dtype=float)
            dash, width = LINES[w]
            low, high = (y - half, y + half) if first else (None, None)
            label = f"{w}, β = {cell.beta:g}" if np.isfinite(cell.beta) else w
            label += "" if first else f", replicate {cell.replicate}"
            marker: Marker = "dot" if first and w == "gold" else "none"
            width = width if first else 0.7
            series.append(Series(label, cell.curve.d, y, color, low, high, dash, width, marker))
    return series


def _rank(betas: list[float], beta: float) -> int:
    return betas.index(beta) if beta in betas else 0


def _beta_keys(cells: list[Cell]) -> tuple[Key, ...]:
    betas = sorted({c.beta for c in cells if np.isfinite(c.beta)})
    color = method_color(cells[0].method)
    return tuple(Key(f"β = {beta:g}", shade(color, i, len(betas))) for i, beta in enumerate(betas))

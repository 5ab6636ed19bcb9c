"""The effect of the coefficient: gold at the peak and at the end against beta, a panel a method."""

from dataclasses import replace

import numpy as np

from bench.stats.curves import peak_row
from reports.analysis.analysis import Analysis
from reports.draw.figure import Figure, Key, Panel, Series, padded
from reports.draw.labels import GOLD, proxy_label
from reports.draw.style import INK, method_color, method_label
from reports.read.cell import Cell
from reports.sections.section import Section

_COEFFICIENTS = (
    "Gold at the row chosen on the select prompts, and at the end of training, for the first replicate of each "
    "setting; bars are ±1.96 se. Coefficients are evenly spaced, not to scale."
)


def coefficients(analysis: Analysis) -> Figure | None:
    """Gold at the peak and at the end against the coefficient, a panel a method."""
    run, panels = analysis.run, []
    for method in run.methods:
        cells = [c for c in run.compared if c.method == method and np.isfinite(c.beta)]
        for proxy in dict.fromkeys(c.proxy_name for c in cells):
            panel = _sweep_panel(
                method,
                proxy,
                [c for c in cells if c.proxy_name == proxy and run.is_first(c)],
                run.several_proxies(method),
            )
            if panel is not None:
                panels.append(panel)
    if not panels:
        return None
    y_range = padded([v for p in panels for s in p.series for v in (s.low, s.high) if v is not None])
    panels = [replace(panel, y_range=y_range) for panel in panels]
    keys = (Key("gold at its peak", INK, marker="diamond"), Key("gold at the end", INK, "dot", "open"))
    return Figure(
        "coefficients",
        "What the coefficient decides",
        _COEFFICIENTS,
        "Gold at the peak and at the end of training against the coefficient beta, one panel a method.",
        tuple(panels),
        keys,
    )


def _sweep_panel(method: str, proxy: str, cells: list[Cell], several: bool) -> Panel | None:
    betas = sorted({c.beta for c in cells})
    if len(betas) < 2:
        return None
    color, place = method_color(cells[0].kind), {beta: float(i) for i, beta in enumerate(betas)}
    first = sorted(cells, key=lambda c: c.beta)
    x = np.array([place[c.beta] for c in first])
    series = []
    for label, dash, marker, choose in (
        ("gold at its peak", "solid", "diamond", lambda c: peak_row(c.curve.gold_select)),
        ("gold at the end", "dot", "open", lambda c: c.last),
    ):
        rows = [choose(c) for c in first]
        y = np.array([np.nan if r is None else c.curve.gold[r] for c, r in zip(first, rows, strict=True)])
        se = np.array([np.nan if r is None else c.curve.gold_se[r] for c, r in zip(first, rows, strict=True)])
        ids = tuple("" if r is None else c.curve.row_ids[r] for c, r in zip(first, rows, strict=True))
        line = Series(label, x, y, color, y - 1.96 * se, y + 1.96 * se, dash, 1.8, marker, bars=True)  # type: ignore[arg-type]
        series.append(replace(line, method=method, row_ids=ids))
    title = method_label(cells[0].kind) + (f" · {proxy_label(proxy)}" if several else "")
    ticks = tuple((place[beta], f"{beta:g}") for beta in betas)
    return Panel(title, "β", GOLD, tuple(series), x_ticks=ticks, x_range=(-0.4, len(betas) - 0.6))


SECTION = Section("coefficients", "What the coefficient decides", (coefficients,))

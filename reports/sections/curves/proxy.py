"""Gold against the calibrated proxy: the axes on which training and best-of-n may be compared."""

from dataclasses import replace

from reports.analysis.analysis import Analysis
from reports.draw.figure import Dash, Figure, Key, Marker, Panel, Series, padded
from reports.draw.labels import GOLD, PROXY, beta_label, proxy_label
from reports.read.cell import Cell
from reports.read.run import RunData
from reports.sections.curves.shades import shaded
from reports.sections.section import Section

_PROXY = (
    "On the dotted diagonal, a gain in proxy is an equal gain in gold. Bands: ±1.96 se, clustered by prompt. "
    "Training and best-of-n may be compared on these axes."
)


def gold_against_proxy(analysis: Analysis) -> Figure | None:
    """Gold over calibrated proxy for on-policy training and best-of-n, which share these axes; a panel a proxy."""
    run = analysis.run
    cells = [c for c in run.compared if c.on_policy and len(c.curve) > 1]
    if not cells:
        return None
    by_proxy = {p: [c for c in cells if c.proxy_name == p] for p in dict.fromkeys(c.proxy_name for c in cells)}
    lines = {proxy: _over_proxy(run, group) for proxy, group in by_proxy.items()}
    y_range = padded([s.y for series, _ in lines.values() for s in series])
    x_range = padded([s.x for series, _ in lines.values() for s in series])
    axes = (PROXY, GOLD)
    panels = tuple(
        Panel(
            proxy_label(proxy).capitalize() if len(lines) > 1 else "",
            *axes,
            tuple(series),
            keys=keys,
            x_range=x_range,
            y_range=y_range,
            diagonal=True,
        )
        for proxy, (series, keys) in lines.items()
    )
    return Figure(
        "gold_against_proxy",
        "What a unit of proxy buys in gold",
        _PROXY,
        "Gold against calibrated proxy for PPO and best-of-n, with the diagonal of equal gains.",
        panels,
    )


def _over_proxy(run: RunData, cells: list[Cell]) -> tuple[list[Series], tuple[Key, ...]]:
    series: list[Series] = []
    keys: dict[str, Key] = {}
    for cell, color in shaded(cells):
        gold, proxy, se = cell.curve.gold, cell.curve.proxy, 1.96 * cell.curve.gold_se
        dash: Dash = "dash" if cell.best_of_n else "solid"
        first = run.is_first(cell)
        low, high = (gold - se, gold + se) if first else (None, None)
        marker: Marker = "dot" if first else "none"
        line = Series(beta_label(cell), proxy, gold, color, low, high, dash, 2.0 if first else 0.6, marker)
        series.append(replace(line, method=cell.method, row_ids=cell.curve.row_ids))
        keys.setdefault(beta_label(cell), Key(beta_label(cell), color, dash, method=cell.method))
    return series, tuple(keys.values())


SECTION = Section("proxy", "What a unit of proxy buys in gold", (gold_against_proxy,))

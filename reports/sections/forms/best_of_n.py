"""Best-of-n over n: gold and proxy, the measured KL beside its analytic value, and what small n predict."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from reports.analysis.analysis import Analysis
from reports.analysis.fits import BELOW_N, Fitted
from reports.draw.figure import Figure, Key, Panel, Series
from reports.draw.labels import GOLD, proxy_label
from reports.draw.style import INK, MUTED, Color, method_color, shade
from reports.read.cell import Cell
from reports.sections.forms.predictions import predictions
from reports.sections.section import Section

_BEST_OF_N = (
    "Exact over each prompt's pool of samples, without resampling; tied samples share their mass. The analytic KL "
    "is an upper bound where texts repeat; the measured KL is left out where n exceeds an eighth of the pool. "
    "Right: the form d(a − b d) fitted to gold at n up to 64 (solid), and its prediction beyond (dotted)."  # noqa: RUF001
)
_ANALYTIC = "log n − (n−1)/n"  # noqa: RUF001


def best_of_n(analysis: Analysis) -> Figure | None:
    """Scores over n, and the measured KL beside log n - (n-1)/n; a shade a proxy."""
    run = analysis.run
    cells = [c for c in run.compared if c.best_of_n and len(c.curve) > 1]
    if not cells:
        return None
    proxies = list(dict.fromkeys(c.proxy_name for c in cells))
    color = method_color(cells[0].kind)
    shades = {proxy: shade(color, i, len(proxies)) for i, proxy in enumerate(proxies)}
    keys = tuple(Key(proxy_label(proxy), faded) for proxy, faded in shades.items())
    rows = cells[0].rows
    n = rows.n.to_numpy(dtype=float)
    ticks = tuple((float(k), f"{k:g}") for k in n if np.log2(k) % 2 == 0)
    scores = [s for c in cells for what in ("gold", "proxy") for s in _scores(c, what, shades, run.is_first(c))]
    analytic = Series(_ANALYTIC, n, rows.kl_analytic.to_numpy(dtype=float), MUTED, dash="dot")
    panels = (
        Panel("Scores", "n", "sd above π_ref", tuple(scores), log_x=True, x_ticks=ticks, keys=keys),
        Panel(
            "KL",
            "n",
            "KL to π_ref (nats)",
            (analytic, *(_measured(c, shades) for c in cells)),
            log_x=True,
            x_ticks=ticks,
            keys=(Key("measured", color, marker="open"), Key(_ANALYTIC, MUTED, "dot")),
        ),
        *_forms(cells, analysis.fits, shades),
    )
    return Figure(
        "best_of_n",
        "Best-of-n",
        _BEST_OF_N,
        "Best-of-n: gold and proxy against n, and measured KL beside its analytic value.",
        panels,
        (Key("gold", INK), Key("proxy", INK, "dash")),
    )


def _forms(cells: list[Cell], fitted: Mapping[str, Fitted], shades: dict[str, Color]) -> tuple[Panel, ...]:
    """Gold over d with the form fitted on small n, up to the largest row that it saw and on to the last one."""
    series: list[Series] = []
    for cell in cells:
        found = fitted.get(cell.name)
        if found is None or found.below is None or not found.below.a.defined:
            continue
        curve, color, fit = cell.curve, shades[cell.proxy_name], found.below
        seen = curve.d[cell.rows.n.to_numpy(dtype=float) <= BELOW_N].max()
        points = Series(f"gold, {_named(cell)}", curve.d, curve.gold, color, line=False, marker="open")
        series.append(replace(points, method=cell.method, row_ids=curve.row_ids))
        for label, ends, dash in (("fitted", (0.0, seen), "solid"), ("predicted", (seen, curve.d.max()), "dot")):
            d = np.linspace(ends[0], ends[1], 40)
            gold = fit.form.value(fit.a.point, fit.b.point, d)
            series.append(Series(f"{label}, {_named(cell)}", d, gold, color, dash=dash, method=cell.method))  # type: ignore[arg-type]
    title, axes = f"Fitted on n ≤ {BELOW_N}", ("√KL", GOLD)
    return (Panel(title, *axes, tuple(series), kl_on_top=True),) if series else ()


def _scores(cell: Cell, what: str, shades: dict[str, Color], first: bool) -> list[Series]:
    y, se = (cell.rows[name].to_numpy(dtype=float) for name in (what, f"{what}_se"))
    label = f"{what}, {_named(cell)}"
    low, high = (y - 1.96 * se, y + 1.96 * se) if first else (None, None)
    n, color = cell.rows.n.to_numpy(dtype=float), shades[cell.proxy_name]
    dash = "solid" if what == "gold" else "dash"
    line = Series(label, n, y, color, low, high, dash, 1.8 if first else 0.6, "dot" if first else "none")  # type: ignore[arg-type]
    return [replace(line, method=cell.method, row_ids=cell.curve.row_ids)]


def _measured(cell: Cell, shades: dict[str, Color]) -> Series:
    n, kl = (cell.rows[name].to_numpy(dtype=float) for name in ("n", "kl"))
    line = Series(f"measured, {_named(cell)}", n, kl, shades[cell.proxy_name], line=False, marker="open")
    return replace(line, method=cell.method, row_ids=cell.curve.row_ids)


def _named(cell: Cell) -> str:
    return f"{proxy_label(cell.proxy_name)}, replicate {cell.replicate}"


SECTION = Section("best-of-n", "Best-of-n", (best_of_n, predictions))

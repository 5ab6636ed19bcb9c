"""Which figures a report has, each described as data. A figure whose rows do not exist is left out.

`make` calls `figures`; nothing is drawn here. The hero and the controls are in `hero`, the
frontier in `frontier`, best-of-n in `bon`; offline losses in `family`, `best_betas` and `parting`, online and offline
pairs in `spectrum`, `replayed` and `coverage`.
"""

from dataclasses import replace

import numpy as np

from bench.stats.curves import peak_row
from reports.analysis.fits import Fitted
from reports.draw.figure import Dash, Figure, Key, Marker, Panel, Series, padded
from reports.draw.style import INK, method_color, method_label, shade
from reports.read.load import Cell, RunData
from reports.sections import words
from reports.sections.curves.frontier import frontier
from reports.sections.curves.hero import controls, hero, proxy_label
from reports.sections.curves.parts import parts
from reports.sections.forms.best_of_n import best_of_n
from reports.sections.offline.best_betas import best_betas
from reports.sections.offline.family import family, logratios, taylor
from reports.sections.offline.parting import parting
from reports.sections.online.coverage import coverage
from reports.sections.online.replay import accuracy, replay
from reports.sections.online.spectrum import samplers, spectrum
from reports.sections.scorers.curves import judges
from reports.sections.trust.training import training


def figures(run: RunData, fitted: list[Fitted]) -> list[Figure]:
    """All figures of a run, the hero first."""
    every_run = (hero, judges, frontier, gold_against_proxy, coefficients, parts, controls, tokens, training)
    offline, fresh = (family, best_betas, parting, taylor, logratios), (spectrum, samplers, replay, accuracy, coverage)
    made = [*(make(run) for make in (*every_run, *offline, *fresh)), best_of_n(run, fitted)]
    return [figure for figure in made if figure is not None]


def gold_against_proxy(run: RunData) -> Figure | None:
    """Gold over calibrated proxy for on-policy training and best-of-n, which share these axes; a panel a proxy."""
    cells = [c for c in run.compared if c.on_policy and len(c.curve) > 1]
    if not cells:
        return None
    by_proxy = {p: [c for c in cells if c.proxy_name == p] for p in dict.fromkeys(c.proxy_name for c in cells)}
    drawn = {proxy: _over_proxy(run, own) for proxy, own in by_proxy.items()}
    y_range = padded([s.y for series, _ in drawn.values() for s in series])
    x_range = padded([s.x for series, _ in drawn.values() for s in series])
    axes = (words.PROXY, words.GOLD)
    panels = tuple(
        Panel(
            proxy_label(proxy).capitalize() if len(drawn) > 1 else "",
            *axes,
            tuple(series),
            keys=keys,
            x_range=x_range,
            y_range=y_range,
            diagonal=True,
        )
        for proxy, (series, keys) in drawn.items()
    )
    return Figure(
        "gold_against_proxy",
        "What a unit of proxy buys in gold",
        words.GOLD_AGAINST_PROXY,
        "Gold against calibrated proxy for PPO and best-of-n, with the diagonal of equal gains.",
        panels,
    )


def _over_proxy(run: RunData, cells: list[Cell]) -> tuple[list[Series], tuple[Key, ...]]:
    series: list[Series] = []
    keys: dict[str, Key] = {}
    for cell, color in _shaded(cells):
        gold, proxy, se = cell.curve.gold, cell.curve.proxy, 1.96 * cell.curve.gold_se
        dash: Dash = "dash" if cell.best_of_n else "solid"
        first = run.is_first(cell)
        low, high = (gold - se, gold + se) if first else (None, None)
        marker: Marker = "dot" if first else "none"
        drawn = Series(_named(cell), proxy, gold, color, low, high, dash, 2.0 if first else 0.6, marker)
        series.append(replace(drawn, method=cell.method, row_ids=cell.curve.row_ids))
        keys.setdefault(_named(cell), Key(_named(cell), color, dash, method=cell.method))
    return series, tuple(keys.values())


def coefficients(run: RunData) -> Figure | None:
    """Gold at the peak and at the end against the coefficient, a panel a method."""
    panels = []
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
        words.COEFFICIENTS,
        "Gold at the peak and at the end of training against the coefficient beta, one panel a method.",
        tuple(panels),
        keys,
    )


def _sweep_panel(method: str, proxy: str, cells: list[Cell], several: bool) -> Panel | None:
    betas = sorted({c.beta for c in cells})
    if len(betas) < 2:
        return None
    color, place = method_color(method), {beta: float(i) for i, beta in enumerate(betas)}
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
        drawn = Series(label, x, y, color, y - 1.96 * se, y + 1.96 * se, dash, 1.8, marker, bars=True)  # type: ignore[arg-type]
        series.append(replace(drawn, method=method, row_ids=ids))
    title = method_label(method) + (f" · {proxy_label(proxy)}" if several else "")
    ticks = tuple((place[beta], f"{beta:g}") for beta in betas)
    return Panel(title, "β", words.GOLD, tuple(series), x_ticks=ticks, x_range=(-0.4, len(betas) - 0.6))


def tokens(run: RunData) -> Figure | None:
    """Gold against tokens: what training has spent so far, and what best-of-n spends on each request."""
    parts = (("Training", "million tokens, sampled and trained on", 1e-6), ("Best-of-n", "tokens a request", 1.0))
    drawn = [_spent(run, own, per) for own, (*_, per) in zip(_by_kind(run), parts, strict=True)]
    y_range = padded([s.y for series, _ in drawn for s in series])
    panels = tuple(
        Panel(title, x_label, words.GOLD, tuple(series), keys=keys, log_x=per == 1.0, y_range=y_range)
        for (series, keys), (title, x_label, per) in zip(drawn, parts, strict=True)
        if series
    )
    if not panels:
        return None
    title, alt = "Gold against tokens spent", "Gold against tokens spent, one line a cell."
    return Figure("tokens", title, words.TOKENS, alt, panels)


def _by_kind(run: RunData) -> tuple[list[Cell], list[Cell]]:
    """Trained cells, larger coefficients first so that the others lie over them; and best-of-n's."""
    trained = sorted((c for c in run.compared if not c.best_of_n), key=lambda c: -c.beta)
    return trained, [c for c in run.compared if c.best_of_n]


def _spent(run: RunData, cells: list[Cell], per: float) -> tuple[list[Series], tuple[Key, ...]]:
    series: list[Series] = []
    keys: dict[str, Key] = {}
    for cell, color in _shaded(cells):
        spent = cell.rows[["tokens_sampled", "tokens_trained"]].astype(float).fillna(0).sum(axis=1).to_numpy() * per
        some = spent > 0
        if some.sum() < 2:
            continue
        hardest = color == method_color(cell.method)
        width = (1.8 if hardest else 1.0) if run.is_first(cell) else 0.5
        dash: Dash = "solid" if cell.proxy_name == run.proxies_of(cell.method)[0] else "dash"
        against = f", {proxy_label(cell.proxy_name)}" if run.several_proxies(cell.method) else ""
        ids = tuple(row_id for row_id, kept in zip(cell.curve.row_ids, some, strict=True) if kept)
        drawn = Series(_named(cell) + against, spent[some], cell.curve.gold[some], color, dash=dash, width=width)
        series.append(replace(drawn, method=cell.method, row_ids=ids))
        key = method_label(cell.method) + against
        keys.setdefault(key, Key(key, method_color(cell.method), dash, method=cell.method))
    return series, tuple(keys.values())


def _named(cell: Cell) -> str:
    beta = f", β = {cell.beta:g}" if np.isfinite(cell.beta) else ""
    return method_label(cell.method) + beta


def _shaded(cells: list[Cell]):
    """Each cell with its method's colour, shaded by the rank of its coefficient."""
    for cell in cells:
        betas = sorted({c.beta for c in cells if c.method == cell.method and np.isfinite(c.beta)})
        rank = betas.index(cell.beta) if cell.beta in betas else 0
        yield cell, shade(method_color(cell.method), rank, len(betas))

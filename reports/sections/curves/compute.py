"""Gold against tokens: what training has spent so far, and what best-of-n spends on each request."""

from dataclasses import replace

from reports.analysis.analysis import Analysis
from reports.draw.figure import Dash, Figure, Key, Panel, Series, padded
from reports.draw.labels import GOLD, beta_label, proxy_label
from reports.draw.style import method_color, method_label
from reports.read.cell import Cell
from reports.read.run import RunData
from reports.sections.curves.shades import by_kind, shaded
from reports.sections.section import Section

_TOKENS = (
    "Tokens that one cell generated and passed through a loss; paler lines are larger coefficients. The tokens "
    "that built the proxy and π_ref are not counted. Best-of-n trains nothing but spends its tokens at every "
    "request, so it has a separate axis."
)


def tokens(analysis: Analysis) -> Figure | None:
    """Gold against tokens: what training has spent so far, and what best-of-n spends on each request."""
    run = analysis.run
    parts = (("Training", "million tokens, sampled and trained on", 1e-6), ("Best-of-n", "tokens a request", 1.0))
    lines = [_spent(run, group, per) for group, (*_, per) in zip(by_kind(run), parts, strict=True)]
    y_range = padded([s.y for series, _ in lines for s in series])
    panels = tuple(
        Panel(title, x_label, GOLD, tuple(series), keys=keys, log_x=per == 1.0, y_range=y_range)
        for (series, keys), (title, x_label, per) in zip(lines, parts, strict=True)
        if series
    )
    if not panels:
        return None
    title, alt = "Gold against tokens spent", "Gold against tokens spent, one line a cell."
    return Figure("tokens", title, _TOKENS, alt, panels)


def _spent(run: RunData, cells: list[Cell], per: float) -> tuple[list[Series], tuple[Key, ...]]:
    series: list[Series] = []
    keys: dict[str, Key] = {}
    for cell, color in shaded(cells):
        spent = cell.rows[["tokens_sampled", "tokens_trained"]].astype(float).fillna(0).sum(axis=1).to_numpy() * per
        some = spent > 0
        if some.sum() < 2:
            continue
        smallest = color == method_color(cell.kind)
        width = (1.8 if smallest else 1.0) if run.is_first(cell) else 0.5
        dash: Dash = "solid" if cell.proxy_name == run.proxies_of(cell.method)[0] else "dash"
        against = f", {proxy_label(cell.proxy_name)}" if run.several_proxies(cell.method) else ""
        ids = tuple(row_id for row_id, kept in zip(cell.curve.row_ids, some, strict=True) if kept)
        line = Series(beta_label(cell) + against, spent[some], cell.curve.gold[some], color, dash=dash, width=width)
        series.append(replace(line, method=cell.method, row_ids=ids))
        key = method_label(cell.kind) + against
        keys.setdefault(key, Key(key, method_color(cell.kind), dash, method=cell.method))
    return series, tuple(keys.values())


SECTION = Section("compute", "Gold against tokens spent", (tokens,))

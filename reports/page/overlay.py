"""The curves of several runs over each other. `comparison` calls `overlay`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.stats.replicates import mean_curve
from reports.draw.figure import Dash, Figure, Key, Panel, Series, furthest, padded
from reports.draw.labels import beyond_entropy, beyond_entropy_keys, proxy_label
from reports.draw.style import INK, Color, method_color, method_label, shade
from reports.read.cell import Cell
from reports.read.kind import Kind
from reports.read.run import RunData

_COMPARED = (
    "The runs overlaid, one dash style a run; full colour is the smallest β, paler colours are larger ones. With "
    "three or more replicates: their mean with a pointwise 95% t band. With fewer: the first replicate with ±1.96 "
    "se."
)

DASHES: tuple[Dash, ...] = ("solid", "dash", "dot")
Setting = tuple[str, str, float | None]  # method, proxy, beta


@dataclass(frozen=True, eq=False)
class Named:
    """A run, the name that it has on the page, and how its lines are dashed."""

    name: str
    run: RunData
    dash: Dash

    @property
    def settings(self) -> dict[Setting, list[Cell]]:
        """The replicates of each setting with a curve."""
        found = {}
        for cells in self.run.settings:
            first, curved = cells[0], [c for c in cells if len(c.curve) > 1]
            if curved:
                beta = first.beta if np.isfinite(first.beta) else None
                found[first.method, first.proxy_name, beta] = curved
        return found


def row_id_of(named_run: Named, row_id: str) -> str:
    """The name of a policy on a page of several runs."""
    return f"{named_run.name}: {row_id}"


def overlay(runs: Sequence[Named], what: str) -> Figure | None:
    """Gold or proxy over d: a panel a method and proxy, a shade a coefficient, a dash a run."""
    betas: dict[tuple[str, str], dict[float | None, None]] = {}
    for r in runs:
        for method, proxy, beta in r.settings:
            betas.setdefault((method, proxy), {}).setdefault(beta)
    if not betas:
        return None
    kinds = _kinds(runs)
    series_by_panel = {
        (method, proxy): _lines(runs, kinds[method], proxy, list(of_panel), what)
        for (method, proxy), of_panel in betas.items()
    }
    everything = [s for series, _ in series_by_panel.values() for s in series]
    y_range = padded([v for s in everything for v in (s.y, s.low, s.high) if v is not None])
    d_max = furthest(everything)
    marks = beyond_entropy(runs[0].run, everything)
    panels = tuple(
        Panel(
            f"{method_label(kinds[method])} · {proxy_label(proxy)}" if proxy else method_label(kinds[method]),
            "√KL",
            "sd above π_ref",
            tuple(series),
            marks,
            keys,
            kl_on_top=True,
            x_range=(0.0, 1.04 * d_max),
            y_range=y_range,
        )
        for (method, proxy), (series, keys) in series_by_panel.items()
    )
    keys = (*(Key(r.name, INK, r.dash) for r in runs), *beyond_entropy_keys(panels))
    title = f"{what.capitalize()} as optimisation goes on"
    name = "hero" if what == "gold" else "proxy_curves"
    return Figure(name, title, _COMPARED, f"{title}, the runs overlaid, a panel a method.", panels, keys)


def _kinds(runs: Sequence[Named]) -> dict[str, Kind]:
    """A kind for each method; the first run that has a method decides."""
    return {name: kind for r in reversed(runs) for name, kind in r.run.kinds.items()}


def _lines(
    runs: Sequence[Named], kind: Kind, proxy: str, betas: list[float | None], what: str
) -> tuple[list[Series], tuple[Key, ...]]:
    series, keys = [], []
    ordered = sorted(betas, key=lambda b: -1.0 if b is None else b)
    for i, beta in enumerate(ordered):
        color = shade(method_color(kind), i, len(ordered))
        if beta is not None:
            keys.append(Key(f"β = {beta:g}", color))
        for r in runs:
            cells = r.settings.get((kind.method, proxy, beta))
            if cells:
                series.append(_line(r, cells, what, color, "" if beta is None else f", β = {beta:g}"))
    return series, tuple(keys)


def _line(r: Named, cells: list[Cell], what: str, color: Color, beta: str) -> Series:
    """The mean over replicates with its t band, or the first replicate with its band."""
    label = f"{r.name}: {what}{beta}"
    values = [c.rows[what].to_numpy(dtype=float) for c in cells]
    mean = mean_curve([c.curve.d for c in cells], values)
    method = cells[0].method
    if mean is not None:
        name, band = f"{label}, mean of {len(cells)}", (mean.mean, color, mean.low, mean.high)
        return Series(name, mean.d, *band, r.dash, method=method)
    first, half = cells[0], 1.96 * cells[0].rows[f"{what}_se"].to_numpy(dtype=float)
    ids = tuple(row_id_of(r, row_id) for row_id in first.curve.row_ids)
    y = values[0]
    return Series(label, first.curve.d, y, color, y - half, y + half, r.dash, marker="dot", method=method, row_ids=ids)

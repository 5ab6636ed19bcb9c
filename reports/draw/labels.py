"""Names that several figures and tables share: axes, settings, proxies, legends, and pi_ref's entropy as a region."""

from collections.abc import Iterable, Sequence

import numpy as np

from reports.draw.figure import Key, Mark, Panel, Series, furthest
from reports.draw.style import INK, method_color, method_label
from reports.read.cell import Cell
from reports.read.run import RunData

D = "√KL to π_ref (nats)"
GOLD = "gold (sd above π_ref)"
PROXY = "proxy, calibrated (gold sd above π_ref)"


def nats(kl: float) -> str:
    """A KL to read: two decimals below 1, one above."""
    return f"{kl:.2f}" if kl < 1 else f"{kl:.1f}"


def proxy_label(name: str) -> str:
    """`policy-sized proxy` of `policy_sized`."""
    return f"{name.replace('_', '-')} proxy"


def setting_label(cell: Cell, run: RunData) -> str:
    """Method, coefficient, and the proxy where the method has several."""
    return ", ".join([method_label(cell.kind), *variant_parts(cell, run)])


def difference_label(one: Cell, other: Cell, run: RunData) -> str:
    """One setting minus another, as the label of a line of differences."""
    return f"{setting_label(one, run)} − {setting_label(other, run)}"  # noqa: RUF001


def variant_parts(cell: Cell, run: RunData) -> list[str]:
    """The coefficient and, where the method has several, the proxy."""
    parts = [f"β = {cell.beta:g}"] if np.isfinite(cell.beta) else []
    return [*parts, proxy_label(cell.proxy_name)] if run.several_proxies(cell.method) else parts


def beta_label(cell: Cell) -> str:
    """Method and coefficient."""
    beta = f", β = {cell.beta:g}" if np.isfinite(cell.beta) else ""
    return method_label(cell.kind) + beta


def method_keys(cells: Iterable[Cell]) -> list[Key]:
    """The legend's entries of these cells' methods."""
    return [Key(method_label(c.kind), method_color(c.kind), method=c.method) for c in cells]


def beyond_entropy(run: RunData, series: Sequence[Series]) -> tuple[Mark, ...]:
    """pi_ref's entropy as a mark on a sqrt(KL) axis, where some row comes near it."""
    if run.entropy is None or not series:
        return ()
    return (Mark(run.entropy**0.5, beyond=True),) if furthest(series) > 0.8 * run.entropy**0.5 else ()


def beyond_entropy_keys(panels: Sequence[Panel]) -> tuple[Key, ...]:
    """The legend's entry for the shaded region, where one is drawn."""
    shaded = any(mark.beyond for panel in panels for mark in panel.marks)
    return (Key("beyond π_ref's entropy (outside its typical set)", INK, marker="region"),) if shaded else ()

"""Draws a figure with matplotlib, for papers and slides. Light page only."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, NullLocator

from reports.figure import Figure, Key, Panel, Series, diagonal_end, kl_ticks
from reports.style import INK, MATPLOTLIB, MUTED

_DASH: dict[str, Any] = {"solid": "-", "dash": (0, (4, 2)), "dot": (0, (1, 1.6))}
_MARKER = {"none": "", "dot": "o", "open": "o", "diamond": "D"}


def write_image(figure: Figure, path: Path) -> None:
    """Draw `figure` at `path`, with the same bytes for the same description."""
    columns = figure.columns
    lines = -(-len(figure.panels) // columns)
    with mpl.rc_context(MATPLOTLIB):  # type: ignore[arg-type]
        single = len(figure.panels) == 1
        canvas = Canvas(
            figsize=(6.4 if single else 3.5 * columns, 0.5 + (4.0 if single else 3.3) * lines), layout="constrained"
        )
        FigureCanvasAgg(canvas)
        axes = canvas.subplots(lines, columns, squeeze=False).ravel()
        for axis, panel in zip(axes, figure.panels, strict=False):
            _draw(axis, panel)
        for axis in axes[len(figure.panels) :]:
            axis.set_visible(False)
        if figure.keys:
            handles = [_handle(key) for key in figure.keys]
            canvas.legend(handles=handles, loc="outside lower center", ncols=3 if single else min(len(handles), 6))
        canvas.savefig(path, metadata={"Software": None})


def _draw(axis: Axes, panel: Panel) -> None:
    if panel.log_x:
        axis.set_xscale("log")
    for series in panel.series:
        _plot(axis, series)
    if panel.zero:
        axis.axhline(0, color=MUTED.light, linewidth=0.7, zorder=1)
    if panel.diagonal:
        end = diagonal_end(panel)
        axis.plot([0, end], [0, end], color=MUTED.light, linewidth=0.9, linestyle=_DASH["dot"], zorder=1)
    axis.set_xlabel(_text(panel.x_label))
    axis.set_ylabel(_text(panel.y_label))
    if panel.x_range:
        axis.set_xlim(panel.x_range)
    if panel.y_range:
        axis.set_ylim(panel.y_range)
    if panel.x_ticks:
        axis.set_xticks([x for x, _ in panel.x_ticks], [label for _, label in panel.x_ticks])
        axis.xaxis.set_minor_locator(NullLocator())
    _marks(axis, panel)
    if panel.kl_on_top:
        axis.set_xlim(left=0)
        _top_axis(axis)
    else:
        axis.spines["top"].set_visible(False)
    if panel.title:
        axis.set_title(_text(panel.title), pad=6)
    if panel.keys:
        axis.legend(handles=[_handle(key) for key in panel.keys], loc="best", handlelength=1.4, labelspacing=0.25)


def _plot(axis: Axes, series: Series) -> None:
    color, some = series.color.light, np.isfinite(series.x) & np.isfinite(series.y)
    x, y = series.x[some], series.y[some]
    marker = _MARKER[series.marker]
    axis.plot(
        x,
        y,
        color=color,
        linewidth=series.width if series.line else 0,
        linestyle=_DASH[series.dash] if series.line else "none",
        marker=marker,
        markersize=4.5 if series.marker in ("diamond", "open") else (3.0 if series.line else 3.2),
        markerfacecolor="white" if series.marker == "open" else color,
        markeredgewidth=1.0 if series.marker == "open" else 0,
        zorder=3 if series.line else 2,
    )
    if series.low is not None and series.high is not None:
        low, high = series.low[some], series.high[some]
        if series.bars:
            axis.vlines(x, low, high, color=color, linewidth=1.0, zorder=2.5)
        else:
            axis.fill_between(x, low, high, color=color, alpha=0.15, linewidth=0, zorder=2)


def _marks(axis: Axes, panel: Panel) -> None:
    right = axis.get_xlim()[1]
    for mark in panel.marks:
        axis.axvline(mark.x, color=MUTED.light, linewidth=0.8, linestyle=_DASH["dot"], zorder=1)
        if mark.beyond and mark.x < right:
            axis.axvspan(mark.x, right, color=INK.light, alpha=0.05, linewidth=0, zorder=0)
            axis.set_xlim(right=right)


def _top_axis(axis: Axes) -> None:
    top = axis.secondary_xaxis("top")
    ticks = kl_ticks(axis.get_xlim()[1])
    top.xaxis.set_major_locator(FixedLocator([d for d, _ in ticks]))
    top.xaxis.set_minor_locator(NullLocator())
    top.set_xticks([d for d, _ in ticks], [label for _, label in ticks])
    top.tick_params(labelsize=7, length=2.5, colors=MUTED.light)
    top.set_xlabel("KL (nats)", fontsize=7, color=MUTED.light, labelpad=2)
    top.spines["top"].set_color(MUTED.light)


def _handle(key: Key) -> Line2D | Patch:
    if key.marker == "region":
        return Patch(facecolor=INK.light, alpha=0.09, linewidth=0, label=_text(key.label))
    return Line2D(
        [],
        [],
        color=key.color.light,
        linewidth=0 if key.marker == "dot" else 1.8,
        linestyle=_DASH[key.dash],
        marker=_MARKER[key.marker] or None,
        markersize=4.5,
        markerfacecolor="white" if key.marker == "open" else key.color.light,
        label=_text(key.label),
    )


def _text(text: str) -> str:
    return text.replace("$", r"\$").replace("π_ref", r"$\pi_\mathrm{ref}$")

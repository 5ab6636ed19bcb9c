"""Draws a figure with matplotlib at the size it has in a paper: one column or two. Light page only.

PNG, or vector PDF with text as text. `make` and `comparison` call `write_image`.
"""

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

from reports.draw.figure import Figure, Key, Panel, Series, diagonal_end, kl_ticks
from reports.draw.style import INK, MATPLOTLIB, MUTED

_DASH: dict[str, Any] = {"solid": "-", "dash": (0, (4, 2)), "dot": (0, (1, 1.6))}
_MARKER = {"none": "", "dot": "o", "open": "o", "diamond": "D"}
ONE_COLUMN, TWO_COLUMNS = 3.35, 6.9  # inches
_HEIGHTS = {1: 2.6, 2: 2.45, 3: 1.95}  # of a line of panels, by panels in it
_KEYS_A_LINE = {1: 3, 2: 6, 3: 7}
_LEGEND, _AIR = 0.17, 0.03  # inches: a line of the legend, and what is left free around a panel
_WIDTH = 0.7  # points for a unit of a line's width


def write_image(figure: Figure, path: Path) -> None:
    """Draw `figure` at `path`, PNG or PDF by its suffix, with the same bytes for the same description."""
    columns = figure.columns
    lines = -(-len(figure.panels) // columns)
    width, height = (ONE_COLUMN, 2.6) if len(figure.panels) == 1 else (TWO_COLUMNS, _HEIGHTS[columns] * lines)
    legend = _LEGEND * -(-len(figure.keys) // _KEYS_A_LINE[columns])
    with mpl.rc_context(MATPLOTLIB):  # type: ignore[arg-type]
        canvas = Canvas(figsize=(width, height + legend), dpi=mpl.rcParams["savefig.dpi"])
        agg = FigureCanvasAgg(canvas)
        axes = [canvas.add_subplot(lines, columns, i + 1) for i in range(len(figure.panels))]
        for axis, panel in zip(axes, figure.panels, strict=True):
            _draw(axis, panel)
        if figure.keys:
            handles = [_handle(key) for key in figure.keys]
            canvas.legend(handles=handles, loc="lower center", ncols=min(len(handles), _KEYS_A_LINE[columns]))
        _arrange(agg, axes, columns, legend)
        canvas.savefig(path, metadata={"CreationDate": None} if path.suffix == ".pdf" else {"Software": None})


def _arrange(agg: FigureCanvasAgg, axes: list[Axes], columns: int, legend: float) -> None:
    """Give all panels one size, with room for the largest labels around any of them, above a legend of that height.

    Labels are measured once. Matplotlib's layouts measure every line and draw each figure twice: half of a report.
    """
    renderer, dpi = agg.get_renderer(), agg.figure.dpi
    width, height = agg.figure.get_size_inches()
    room = np.zeros(4)  # inches at the left, below, at the right, above
    for axis in axes:
        outer = axis.get_tightbbox(renderer, for_layout_only=True, bbox_extra_artists=axis.child_axes)
        assert outer is not None
        around = [*np.subtract(axis.bbox.min, outer.min), *np.subtract(outer.max, axis.bbox.max)]
        room = np.maximum(room, np.array(around) / dpi)
    left, below, right, above = room + _AIR
    wide, high = width / columns, (height - legend) / -(-len(axes) // columns)  # of a panel with its labels
    for i, axis in enumerate(axes):
        line, column = divmod(i, columns)
        corner = column * wide + left, height - (line + 1) * high + below
        size = wide - left - right, high - below - above
        axis.set_position((corner[0] / width, corner[1] / height, size[0] / width, size[1] / height))


def _draw(axis: Axes, panel: Panel) -> None:
    if panel.log_x:
        axis.set_xscale("log")
    for series in panel.series:
        _plot(axis, series)
    if panel.zero:
        axis.axhline(0, color=MUTED.light, linewidth=0.5, zorder=1)
    if panel.diagonal:
        end = diagonal_end(panel)
        axis.plot([0, end], [0, end], color=MUTED.light, linewidth=0.6, linestyle=_DASH["dot"], zorder=1)
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
        axis.set_title(_text(panel.title), pad=4)
    if panel.keys:
        # `best` searches for room among all points, which takes longer than all the rest
        axis.legend(handles=[_handle(key) for key in panel.keys], loc="upper left" if panel.log_x else "lower left")


def _plot(axis: Axes, series: Series) -> None:
    color, some = series.color.light, np.isfinite(series.x) & np.isfinite(series.y)
    x, y = series.x[some], series.y[some]
    marker = _MARKER[series.marker]
    axis.plot(
        x,
        y,
        color=color,
        linewidth=_WIDTH * series.width if series.line else 0,
        linestyle=_DASH[series.dash] if series.line else "none",
        marker=marker,
        markersize=3.2 if series.marker in ("diamond", "open") else 2.0,
        markerfacecolor="white" if series.marker == "open" else color,
        markeredgewidth=0.7 if series.marker == "open" else 0,
        zorder=3 if series.line else 2,
    )
    if series.low is not None and series.high is not None:
        low, high = series.low[some], series.high[some]
        if series.bars:
            axis.vlines(x, low, high, color=color, linewidth=0.7, zorder=2.5)
        else:
            axis.fill_between(x, low, high, color=color, alpha=0.15, linewidth=0, zorder=2)


def _marks(axis: Axes, panel: Panel) -> None:
    right = axis.get_xlim()[1]
    for mark in panel.marks:
        axis.axvline(mark.x, color=MUTED.light, linewidth=0.6, linestyle=_DASH["dot"], zorder=1)
        if mark.beyond and mark.x < right:
            axis.axvspan(mark.x, right, color=INK.light, alpha=0.05, linewidth=0, zorder=0)
            axis.set_xlim(right=right)


def _top_axis(axis: Axes) -> None:
    top = axis.secondary_xaxis("top")
    ticks = kl_ticks(axis.get_xlim()[1])
    top.xaxis.set_major_locator(FixedLocator([d for d, _ in ticks]))
    top.xaxis.set_minor_locator(NullLocator())
    top.set_xticks([d for d, _ in ticks], [label for _, label in ticks])
    top.tick_params(labelsize=5.5, length=1.5, pad=1, colors=MUTED.light)
    top.set_xlabel("KL (nats)", fontsize=5.5, color=MUTED.light, labelpad=1.5)
    top.spines["top"].set_color(MUTED.light)


def _handle(key: Key) -> Line2D | Patch:
    if key.marker == "region":
        return Patch(facecolor=INK.light, alpha=0.09, linewidth=0, label=_text(key.label))
    return Line2D(
        [],
        [],
        color=key.color.light,
        linewidth=0 if key.marker == "dot" else 1.2,
        linestyle=_DASH[key.dash],
        marker=_MARKER[key.marker] or None,
        markersize=3.2,
        markerfacecolor="white" if key.marker == "open" else key.color.light,
        label=_text(key.label),
    )


def _text(text: str) -> str:
    return text.replace("$", r"\$").replace("π_ref", r"$\pi_\mathrm{ref}$")

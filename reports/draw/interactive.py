"""Describes a figure's panels to Plotly as plain JSON, with both themes' colours. The page's script draws them.

A trace says in `meta` which method's switch it obeys and which row each of its points is; the script writes what
hovering a row shows. Plotly itself (its basic bundle, MIT) lies in vendor/.
"""

import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from reports.draw.figure import Figure, Panel, Series, diagonal_end, furthest, kl_ticks
from reports.draw.style import FAINT, INK, MUTED, Color

_DASH = {"solid": "solid", "dash": "5px,3px", "dot": "1.5px,3px"}
_SYMBOL = {"none": "circle", "dot": "circle", "open": "circle-open", "diamond": "diamond"}


def plotly_source() -> str:
    """The library, to be inlined into the page."""
    return (Path(__file__).parents[1] / "vendor" / "plotly-basic.min.js").read_text(encoding="utf-8")


def panel_json(figure: Figure, places: Mapping[str, int]) -> list[dict[str, Any]]:
    """One {data, layout} a panel. A colour is {light, dark}; the script picks one. `places` numbers the page's rows."""
    return [{"data": _traces(panel, places), "layout": _layout(panel)} for panel in figure.panels]


def text(value: str) -> str:
    """Text for Plotly, which reads a little HTML: escaped, with the reference policy's subscript."""
    return html.escape(value, quote=False).replace("π_ref", "π<sub>ref</sub>")


def _color(color: Color) -> dict[str, str]:
    return {"light": color.light, "dark": color.dark}


def _traces(panel: Panel, places: Mapping[str, int]) -> list[dict[str, Any]]:
    bands = [_band(series) for series in panel.series if series.low is not None and not series.bars]
    traces = bands + [_line(series, panel, places) for series in panel.series]
    if panel.kl_on_top:  # an axis is drawn only when a trace uses it
        traces.append({"x": [None], "y": [None], "xaxis": "x2", "hoverinfo": "skip", "showlegend": False, "meta": {}})
    return traces


def _band(series: Series) -> dict[str, Any]:
    assert series.low is not None
    assert series.high is not None
    some = np.isfinite(series.x) & np.isfinite(series.low) & np.isfinite(series.high)
    x, low, high = series.x[some], series.low[some], series.high[some]
    return {
        "x": _numbers(np.concatenate([x, x[::-1]])),
        "y": _numbers(np.concatenate([high, low[::-1]])),
        "fill": "toself",
        "mode": "none",
        "fillcolor": _color(series.color),
        "opacity": 0.16,
        "hoverinfo": "skip",
        "meta": {"method": series.method},
    }


def _line(series: Series, panel: Panel, places: Mapping[str, int]) -> dict[str, Any]:
    is_rows, thin = bool(series.row_ids), series.marker == "none"
    parts = (["lines"] if series.line else []) + (["markers"] if is_rows or not thin else [])
    size = 3 if thin else 8 if series.marker in ("diamond", "open") else 5
    marker = {"color": _color(series.color), "size": size, "symbol": _SYMBOL[series.marker]}
    trace: dict[str, Any] = {
        "x": _numbers(series.x),
        "y": _numbers(series.y),
        "mode": "+".join(parts),
        "name": text(series.label),
        "line": {"color": _color(series.color), "width": series.width, "dash": _DASH[series.dash]},
        "marker": marker | ({"opacity": 0.55} if thin else {}),
        "meta": {"method": series.method},
    }
    if is_rows:
        trace["meta"]["rows"] = [places.get(row_id, -1) for row_id in series.row_ids]
    else:
        trace |= _hover(series, panel)
    if series.bars and series.low is not None and series.high is not None:
        trace["error_y"] = {
            "type": "data",
            "symmetric": False,
            "array": _numbers(series.high - series.y),
            "arrayminus": _numbers(series.y - series.low),
            "color": _color(series.color),
            "thickness": 1.2,
            "width": 0,
        }
    return trace


def _hover(series: Series, panel: Panel) -> dict[str, Any]:
    """The hover text of a point that is no row, with its interval."""
    x_name, nats = ("d", " (%{customdata[0]} nats)") if panel.kl_on_top else (text(panel.x_label), "")
    nothing = np.full(len(series.x), np.nan)
    low_high = (nothing if end is None else end for end in (series.low, series.high))
    ends = zip(*low_high, strict=True)
    spans = [f" [{low:.2f}, {high:.2f}]" if np.isfinite(low + high) else "" for low, high in ends]
    values = f"{x_name} %{{x:.3~g}}{nats}<br>%{{y:.3~g}}%{{customdata[1]}}"
    return {
        "customdata": [[f"{x**2:.3g}", span] for x, span in zip(series.x, spans, strict=True)],
        "hovertemplate": f"{text(series.label)}<br>{values}<extra></extra>",
    }


def _layout(panel: Panel) -> dict[str, Any]:
    axis = {"gridcolor": _color(FAINT), "zeroline": False, "linecolor": _color(MUTED), "ticks": "", "automargin": True}
    x: dict[str, Any] = {
        **axis,
        "title": {"text": text(panel.x_label), "standoff": 6},
        "showgrid": False,
        "showline": True,
    }
    y: dict[str, Any] = {**axis, "title": {"text": text(panel.y_label), "standoff": 4}, "exponentformat": "power"}
    if panel.log_x:
        x |= {"type": "log"} | ({} if panel.x_ticks else {"dtick": 1, "tickformat": ",d"})
    if panel.x_ticks:
        x |= {"tickvals": [v for v, _ in panel.x_ticks], "ticktext": [text(t) for _, t in panel.x_ticks]}
    right = panel.x_range[1] if panel.x_range else 1.04 * furthest(panel.series)
    if panel.x_range or panel.kl_on_top:
        x["range"] = list(panel.x_range or (0.0, right))
    if panel.y_range:
        y["range"] = list(panel.y_range)
    layout: dict[str, Any] = {
        "xaxis": x,
        "yaxis": y,
        "shapes": _shapes(panel, right),
    }
    if panel.kl_on_top:
        ticks = kl_ticks(right)
        layout["xaxis2"] = {
            **axis,
            "overlaying": "x",
            "side": "top",
            "matches": "x",
            "showgrid": False,
            "tickvals": [d for d, _ in ticks],
            "ticktext": [label for _, label in ticks],
            "title": {"text": "KL (nats)", "standoff": 4},
        }
    return layout


def _shapes(panel: Panel, right: float) -> list[dict[str, Any]]:
    thin = {"color": _color(MUTED), "width": 1}
    shapes: list[dict[str, Any]] = []
    if panel.zero:
        shapes.append(
            {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 0, "line": thin, "layer": "below"}
        )
    if panel.diagonal:
        end, dotted = diagonal_end(panel), {**thin, "dash": _DASH["dot"]}
        shapes.append({"type": "line", "x0": 0, "x1": end, "y0": 0, "y1": end, "line": dotted, "layer": "below"})
    for mark in panel.marks:
        dotted = {**thin, "dash": _DASH["dot"]}
        shapes.append({"type": "line", "x0": mark.x, "x1": mark.x, "yref": "paper", "y0": 0, "y1": 1, "line": dotted})
        if mark.beyond and mark.x < right:
            region = {
                "type": "rect",
                "x0": mark.x,
                "x1": right,
                "yref": "paper",
                "y0": 0,
                "y1": 1,
                "line": {"width": 0},
            }
            shapes.append({**region, "fillcolor": _color(INK), "opacity": 0.05, "layer": "below"})
    return shapes


def _numbers(values: np.ndarray) -> list[float | None]:
    return [float(f"{v:.5g}") if np.isfinite(v) else None for v in values]

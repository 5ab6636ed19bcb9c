"""A figure as data, described once and drawn by two renderers: `png` (matplotlib) and `interactive` (Plotly)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reports.draw.style import Color

Float = NDArray[np.float64]
Dash = Literal["solid", "dash", "dot"]
Marker = Literal["none", "dot", "open", "diamond", "region"]


@dataclass(frozen=True, eq=False)
class Series:
    """One line or cloud of points, with a band between `low` and `high` unless they are None."""

    label: str
    x: Float
    y: Float
    color: Color
    low: Float | None = None
    high: Float | None = None
    dash: Dash = "solid"
    width: float = 1.8
    marker: Marker = "none"
    line: bool = True
    bars: bool = False  # draw low..high as error bars
    method: str = ""  # the legend's switch that it obeys; empty obeys none
    row_ids: tuple[str, ...] = ()  # where each point is one evaluated policy


@dataclass(frozen=True)
class Mark:
    """A vertical line at `x`; with `beyond`, all to its right is shaded as well."""

    x: float
    beyond: bool = False


@dataclass(frozen=True)
class Key:
    """One entry of a legend."""

    label: str
    color: Color
    dash: Dash = "solid"
    marker: Marker = "none"
    method: str = ""  # the legend's switch that it is


@dataclass(frozen=True, eq=False)
class Panel:
    """One pair of axes."""

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    marks: tuple[Mark, ...] = ()
    keys: tuple[Key, ...] = ()
    kl_on_top: bool = False  # x is sqrt(KL); the top axis reads KL in nats
    log_x: bool = False
    x_ticks: tuple[tuple[float, str], ...] = ()
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    diagonal: bool = False
    zero: bool = True


@dataclass(frozen=True, eq=False)
class Figure:
    """Panels side by side under one title. `name` is the file stem."""

    name: str
    title: str
    caption: str
    alt: str
    panels: tuple[Panel, ...]
    keys: tuple[Key, ...] = field(default=())

    @property
    def columns(self) -> int:
        """Panels in one line."""
        return 2 if len(self.panels) == 4 else min(len(self.panels), 3)

    def table(self) -> pd.DataFrame:
        """Every number drawn: panel, series, x, y, low, high."""
        parts = []
        for panel in self.panels:
            for series in panel.series:
                nothing = np.full(len(series.x), np.nan)
                parts.append(
                    pd.DataFrame(
                        {
                            "panel": panel.title,
                            "series": series.label,
                            panel.x_label: series.x,
                            panel.y_label: series.y,
                            "low": nothing if series.low is None else series.low,
                            "high": nothing if series.high is None else series.high,
                        }
                    )
                )
        return pd.concat(parts, ignore_index=True)


def kl_ticks(d_max: float) -> list[tuple[float, str]]:
    """Places on a sqrt(KL) axis and the KL there, in nats, few enough to read."""
    candidates: list[float] = [0, 1, 4, 8, 16, 32, 64, 128, 256, 512, 1024]
    if d_max < 2.3:
        candidates = [0, 0.25, 1, 2, 4]
    kept: list[tuple[float, str]] = []
    for kl in candidates:
        d = kl**0.5
        if d <= d_max * 1.001 and (not kept or d - kept[-1][0] >= 0.11 * d_max):
            kept.append((d, f"{kl:g}"))
    return kept


def padded(values: list[Float], pad: float = 0.06) -> tuple[float, float] | None:
    """A range that holds every finite value and zero, with a margin."""
    finite = np.concatenate([v[np.isfinite(v)] for v in values]) if values else np.array([])
    if not len(finite):
        return None
    low, high = min(float(finite.min()), 0.0), max(float(finite.max()), 0.0)
    air = pad * ((high - low) or 1.0)
    return low - air, high + air


def furthest(series: Iterable[Series]) -> float:
    """The largest finite x of some series, 1 where there is none."""
    return max((float(np.nanmax(s.x)) for s in series if np.isfinite(s.x).any()), default=1.0)


def diagonal_end(panel: Panel) -> float:
    """The x at which the line y = x leaves the panel."""
    reach = [max(float(np.nanmax(getattr(s, axis))) for s in panel.series) for axis in ("x", "y")]
    ends = [range_[1] if range_ else end for range_, end in zip((panel.x_range, panel.y_range), reach, strict=True)]
    return min(ends)


def thinned(values: np.ndarray, points: int = 80) -> np.ndarray:
    """Means of equal runs of neighbours, at most `points` of them."""
    parts = np.array_split(values, min(points, len(values)))
    return np.array([part.mean() for part in parts])

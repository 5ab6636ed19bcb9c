"""At which beta each offline loss's gold ends best: a figure and a table, which `family` shows."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from reports.analysis.analysis import Analysis
from reports.analysis.strengths import Strengths, curvature
from reports.draw.figure import Figure, Float, Key, Panel, Series, padded
from reports.draw.labels import GOLD
from reports.draw.style import MUTED, method_color, method_label
from reports.draw.table import Row, Table, missing, with_interval

_STRENGTHS = (
    "Left: gold at the end of training on report prompts, the mean over replicates, ±1.96 se by prompt. Middle: "
    "the same over β |f''(0)/f'(0)|. Right: the best β, the vertex of a parabola in log β fitted to select "
    "prompts, with its 95% interval over resampled prompts; losses of equal curvature are drawn slightly apart. "
    "In the expansion f(0) + f'(0) β E[ρ] + f''(0)/2 β² E[ρ²], the third term over the second is proportional to "  # noqa: RUF001
    "β |f''(0)/f'(0)|. So losses agree to second order where that agrees, and the best β should be inversely "
    "proportional to |f''(0)/f'(0)|. The hinge has no curvature, so this predicts nothing for it."
)
_BEST_BETAS = (
    "By gold on the select prompts at the end of training: the best β of those run, and the vertex of the "
    "parabola through it and its neighbours in log β, with a 95% interval over resampled prompts, conditional on "
    "the replicates. A dash: the best β is at an end of the grid."
)


def best_betas(analysis: Analysis) -> Figure | None:
    """Gold at the end of training over beta and over beta |f''(0)/f'(0)|, and where it is best."""
    found = analysis.strengths
    if len(found) < 2:
        return None
    over_beta = [_ends(s, s.betas_B) for s in found]
    scaled = [_ends(s, s.betas_B * curvature(s.loss)) for s in found if curvature(s.loss) > 0]
    places = [line for i, s in enumerate(found) for line in _place(s, i)]
    y_range = padded([v for s in over_beta for v in (s.low, s.high) if v is not None])
    ends = partial(Panel, y_label=GOLD, log_x=True, y_range=y_range)
    panels = [ends("At the end of training", "β", series=tuple(over_beta))]
    if len(scaled) > 1:
        panels.append(ends("In the expansion's units", "β |f''(0) / f'(0)|", series=tuple(scaled)))
    if places:
        series = (*_prediction(found), *places)
        panels.append(Panel("The best β", "β", "|f''(0) / f'(0)|", series, log_x=True, y_range=(-0.15, 1.3)))
    panels = [replace(panel, x_ticks=_ticks(panel.series)) for panel in panels]
    keys = [Key(method_label(s.kind), method_color(s.kind), method=s.method) for s in found]
    if any(s.color == MUTED for s in panels[-1].series):
        keys.append(Key("predicted: β in inverse proportion", MUTED, "dot"))
    alt = "Gold at the end of training against beta, one line a loss, and the best beta against the loss's curvature."
    return Figure("strengths", "The best β of each loss", _STRENGTHS, alt, tuple(panels), tuple(keys))


def _ends(s: Strengths, x_B: Float) -> Series:
    gold_B = s.report_BP.mean(axis=1)
    half_B = 1.96 * s.report_BP.std(axis=1, ddof=1) / np.sqrt(s.report_BP.shape[1])
    low_high = (gold_B - half_B, gold_B + half_B)
    points = Series(method_label(s.kind), x_B, gold_B, method_color(s.kind), *low_high, width=1.4, marker="dot")
    return replace(points, bars=True, method=s.method, row_ids=s.row_ids)


def _place(s: Strengths, index: int) -> list[Series]:
    """A point at the best beta and a line over its interval; moved a little, so that equal curvatures lie apart."""
    if s.best is None or not s.best.beta.defined or not np.isfinite(curvature(s.loss)):
        return []
    best, y, color = s.best.beta, curvature(s.loss) + 0.03 * (index % 4), method_color(s.kind)
    label = f"{method_label(s.kind)}, best β"
    point = Series(label, np.array([best.point]), np.array([y]), color, line=False, marker="diamond", method=s.method)
    if not best.has_interval:
        return [point]
    ends = np.array([best.low, best.high])
    return [Series(f"{label}, 95%", ends, np.array([y, y]), color, width=1.4, method=s.method), point]


def _prediction(found: Sequence[Strengths]) -> list[Series]:
    """beta = const / |f''(0)/f'(0)|, through the geometric mean of the losses that have both."""
    known = [s.best.log_beta + np.log(curvature(s.loss)) for s in found if s.best and curvature(s.loss) > 0]
    known = [value for value in known if np.isfinite(value)]
    if len(known) < 2:
        return []
    y = np.linspace(0.3, 1.2, 19)
    return [Series("predicted", np.exp(np.mean(known)) / y, y, MUTED, dash="dot", width=1.2)]


def _ticks(lines: Sequence[Series]) -> tuple[tuple[float, str], ...]:
    """Powers of ten within the range of x, or with two and five times them where fewer than two lie there."""
    x = np.concatenate([s.x for s in lines])
    places = [(m, m * 10.0**e) for e in range(-6, 3) for m in (1, 2, 5)]
    inside = [(m, place) for m, place in places if x.min() <= place <= x.max()]
    decades = [place for m, place in inside if m == 1]
    return tuple((place, f"{place:g}") for place in (decades if len(decades) > 1 else [place for _, place in inside]))


def best_betas_table(analysis: Analysis) -> Table:
    """Each loss's curvature and best beta, and the slope of one over the other beside the predicted one."""
    found = analysis.strengths
    records, body = [], list[Row]()
    for s in found:
        best = s.best.beta if s.best is not None else None
        c = curvature(s.loss)
        bend = f"{c:g}" if np.isfinite(c) else missing("the run does not hold the derivatives of this loss")
        beta = missing("no select prompts") if best is None else with_interval(best)
        top = f"{s.top.beta:g}" if s.top is not None else missing("no select prompts")
        body.append((method_label(s.kind), s.loss, bend, top, beta))
        number = {"beta": best.point, "low": best.low, "high": best.high, "reason": best.reason} if best else {}
        records.append({"method": s.method, "loss": s.loss, "curvature": c} | number)
    if len(body) > 1:
        line = analysis.slope
        body.append(("slope of log β over log |f''(0) / f'(0)|", "", "predicted: −1", "", with_interval(line)))  # noqa: RUF001
        records.append({"slope": line.point, "slope_low": line.low, "slope_high": line.high})
    head = ("method", "loss", "|f''(0) / f'(0)|", "best of those run", "best β")
    title = "The best β of each loss"
    return Table("best_betas", title, _BEST_BETAS, pd.DataFrame(records), head, tuple(body), text=2)

"""Two straight lines, one on each side of a break: the second opinion of Simonsohn (2018).

Gold turns if it rises along the left line and falls along the right one. No form is assumed for the curve. The break
is placed on the select prompts by the Robin Hood procedure, which gives more rows to the weaker line, and the slopes
are measured on the report prompts. A slope is linear in gold, so each prompt has its own: errors are clustered by
prompt. Left out: the chance of the break, given which the intervals are. `verdicts.second_opinion` calls it.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.stats.curves import Curve
from bench.stats.estimate import Estimate, prompt_mean
from bench.stats.smooth import smooth

Float = NDArray[np.float64]
FEWEST = 5  # rows: two lines that share one, each of three


@dataclass(frozen=True)
class TwoLines:
    """Slopes of gold in d, sd per sqrt(nat). `kl` is that of the break, in nats."""

    left: Estimate
    right: Estimate
    kl: float


def two_lines(curve: Curve, end: int) -> TwoLines | None:
    """The lines through the rows up to `end`; None with fewer than FEWEST rows or without select prompts.

    The row at the break belongs to both lines.

    Source: Simonsohn 2018, "Two lines: a valid alternative to the invalid testing of U-shaped relationships".
    """
    d, select = curve.d[: end + 1], curve.gold_select[: end + 1]
    if len(np.unique(d)) < FEWEST or not np.isfinite(select).all():
        return None
    at = robin_hood(curve, end)
    left_P, right_P = (weights @ values for weights, values in _lines(d, curve.gold_RP[: end + 1], at))
    return TwoLines(prompt_mean(left_P), prompt_mean(right_P), float(curve.kl[at]))


def robin_hood(curve: Curve, end: int) -> int:
    """The row of the break.

    A smooth curve through the select means has a highest inner row. Inner rows within one standard error of it are the
    flat region. Two lines that meet in its middle have t statistics t1 and t2. The break goes to the quantile
    |t2| / (|t1| + |t2|) of the flat region: the line with the smaller |t| gets more rows. One standard error of a row
    is that on the report prompts, since select prompts keep no more than means. All rows count as equally exact.
    """
    d, select = curve.d[: end + 1], curve.gold_select[: end + 1]
    inner = np.arange(1, end)
    fitted = _smoothed(curve, end)[inner]
    top = int(np.argmax(fitted))
    flat = inner[fitted >= fitted[top] - curve.gold_se[inner[top]]]
    middle = int(np.quantile(flat, 0.5, method="nearest"))
    t_left, t_right = (abs(weights @ values) / np.linalg.norm(weights) for weights, values in _lines(d, select, middle))
    share = t_right / (t_left + t_right) if t_left + t_right > 0 else 0.5
    return int(np.quantile(flat, share, method="nearest"))


def _smoothed(curve: Curve, end: int) -> Float:
    """The smoothed select means at the rows up to `end`."""
    upto = slice(end + 1)
    found = smooth(replace(curve, row_ids=curve.row_ids[upto], kl=curve.kl[upto], gold=curve.gold_select[upto]))
    assert found is not None  # FEWEST rows are as many as the spline needs
    return np.interp(curve.d[upto], found.d, found.gold)


def _lines(d: Float, values: Float, at: int) -> list[tuple[Float, Float]]:
    """For the left and the right line: the weights of its rows in its slope, and their values."""
    parts = []
    for rows in (slice(at + 1), slice(at, None)):
        centred = d[rows] - d[rows].mean()
        parts.append((centred / (centred @ centred), values[rows]))
    return parts

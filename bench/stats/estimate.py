"""A statistic with its interval: means over prompts, means over replicates, quantiles of a bootstrap.

An undefined statistic is NaN and carries the reason. Fewer than two prompts or replicates have a point and no interval.
`method` says what the interval is over and what it holds fixed; nothing covers world, SFT and gold. Resampling is in
`bootstrap`, curves are in `curves`. All of `stats` and the reports call it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri, stdtr, stdtrit

LEVEL = 0.95
ENOUGH = 3  # replicates from which an interval over them is made
_ONE = "given one replicate: its pairs, proxy and training are not covered"
BY_PROMPT = f"t over prompts, {_ONE}"
PAIRED = f"t over prompts, paired by prompt, {_ONE}"
RESAMPLED = f"quantiles over resampled prompts, {_ONE}"
OVER_REPLICATES = "t over replicates, given the prompts"
DASH = "–"  # noqa: RUF001


@dataclass(frozen=True)
class Estimate:
    """A point with a two-sided interval at `level` over `n` independent units: prompts or replicates."""

    point: float
    low: float
    high: float
    level: float
    method: str
    n: int
    reason: str = ""  # why the point, or its interval, is NaN

    @property
    def error(self) -> float:
        """Half the width of the interval."""
        return (self.high - self.low) / 2

    @property
    def defined(self) -> bool:
        return math.isfinite(self.point)

    @property
    def has_interval(self) -> bool:
        return math.isfinite(self.low) and math.isfinite(self.high)

    def p_above(self, bound: float) -> float:
        """One-sided p-value against `not above bound`, by the t distribution scaled to the interval's lower side.

        It is under (1 - level) / 2 exactly when `low` is above the bound. 1 without an interval.
        """
        return self._tail(self.point - bound, self.point - self.low)

    def p_below(self, bound: float) -> float:
        """One-sided p-value against `not below bound`."""
        return self._tail(bound - self.point, self.high - self.point)

    def _tail(self, excess: float, side: float) -> float:
        if not self.has_interval:
            return 1.0
        if side <= 0:
            return float(excess <= 0)
        t = excess / side * float(stdtrit(self.n - 1, (1 + self.level) / 2))
        return float(stdtr(self.n - 1, -t))

    def __str__(self) -> str:
        return plus_minus(self.point, self.error)

    def bracketed(self, decimals: int = 2) -> str:
        """`1.42 [1.30, 1.55]`, for an interval that need not be symmetric; the point alone where there is none."""
        if not self.defined:
            return DASH
        ends = f" [{self.low:.{decimals}f}, {self.high:.{decimals}f}]" if self.has_interval else ""
        return _minus(f"{self.point:.{decimals}f}{ends}")


def undefined(method: str, reason: str, level: float = LEVEL, n: int = 0) -> Estimate:
    """An estimate that could not be made, with the reason."""
    return Estimate(math.nan, math.nan, math.nan, level, method, n, reason)


def from_se(point: float, se: float, n: int, method: str, level: float = LEVEL) -> Estimate:
    """A t interval on n - 1 degrees of freedom."""
    if n < 2 or not math.isfinite(se):
        return Estimate(point, math.nan, math.nan, level, method, n, f"n = {n}: no interval")
    half = float(stdtrit(n - 1, (1 + level) / 2)) * se
    return Estimate(point, point - half, point + half, level, method, n)


def from_draws(
    point: float, draws_D: NDArray[np.float64], n: int, method: str = RESAMPLED, level: float = LEVEL
) -> Estimate:
    """The quantile interval of bootstrap draws; no interval if a draw is NaN or an end of the interval is infinite.

    `n` counts the prompts that were resampled. Plain quantiles are too narrow, by about a factor sqrt((n - 1) / n) and
    by the excess of t over normal, so they are taken further out (expanded percentiles, Hesterberg 2015).
    """
    if not math.isfinite(point):
        return undefined(method, "the estimate itself is not finite", level, n)
    if n < 2:
        return Estimate(point, math.nan, math.nan, level, method, n, f"n = {n}: no interval")
    if np.isnan(draws_D).any():
        lost = f"undefined in {np.isnan(draws_D).mean():.0%} of the resamples"
        return Estimate(point, math.nan, math.nan, level, method, n, lost)
    tail = float(ndtr(-expanded(float(ndtri((1 + level) / 2)), n)))
    low, high = np.quantile(draws_D, [tail, 1 - tail], method="inverted_cdf")
    if not np.isfinite([low, high]).all():
        lost = f"without bound in {np.isinf(draws_D).mean():.0%} of the resamples"
        return Estimate(point, math.nan, math.nan, level, method, n, lost)
    return Estimate(point, float(low), float(high), level, method, n)


def expanded(z: float, n: int) -> float:
    """A normal or bootstrap critical value as that of a t with n - 1 degrees of freedom and an unbiased variance."""
    if n < 2:
        raise ValueError(f"n = {n}: nothing to resample; at least two are needed")
    return -math.sqrt(n / (n - 1)) * float(stdtrit(n - 1, ndtr(-z)))


def paired_difference(minuend_P: ArrayLike, subtrahend_P: ArrayLike, level: float = LEVEL) -> Estimate:
    """Mean over prompts of a difference of prompt means, over the prompts both have."""
    difference = np.asarray(minuend_P, dtype=float) - np.asarray(subtrahend_P, dtype=float)
    difference = difference[np.isfinite(difference)]
    if not len(difference):
        return undefined(PAIRED, "no prompt has samples of both rows", level)
    se = float(difference.std(ddof=1) / np.sqrt(len(difference))) if len(difference) > 1 else float("nan")
    return from_se(float(difference.mean()), se, len(difference), PAIRED, level)


def prompt_mean(values_P: ArrayLike, level: float = LEVEL) -> Estimate:
    """Mean over P prompt means, with a t interval over prompts."""
    x = np.asarray(values_P, dtype=float)
    se = float(x.std(ddof=1) / math.sqrt(len(x))) if len(x) > 1 else math.nan
    return from_se(float(x.mean()), se, len(x), BY_PROMPT, level)


def replicate_mean(values: ArrayLike, level: float = LEVEL) -> Estimate:
    """Mean over replicates, with a t interval over replicates."""
    x = np.asarray(values, dtype=float)
    if not len(x) or not np.isfinite(x).all():
        return undefined(OVER_REPLICATES, "a replicate has no value" if len(x) else "no replicate", level, len(x))
    se = float(x.std(ddof=1) / math.sqrt(len(x))) if len(x) > 1 else math.nan
    return from_se(float(x.mean()), se, len(x), OVER_REPLICATES, level)


def over(estimates: Sequence[Estimate]) -> Estimate:
    """One estimate from those of the replicates: their t mean from ENOUGH on, else the first, for itself alone."""
    return replicate_mean([e.point for e in estimates]) if len(estimates) >= ENOUGH else estimates[0]


def plus_minus(point: float, error: float, signed: bool = False, decimals: int | None = None) -> str:
    """`0.742 ± 0.013`: the error to two digits below 3 in its leading digit, else one; the point to match.

    `decimals` fixes them instead, for columns that must line up.
    """
    if not math.isfinite(point):
        return DASH
    sign = "+" if signed else "-"
    if not math.isfinite(error) or error <= 0:
        return _minus(f"{point:{sign}.2f}")
    digits = _digits(error) if decimals is None else decimals
    return _minus(f"{point:{sign}.{digits}f} ± {error:.{digits}f}")


def _digits(error: float) -> int:
    exponent = math.floor(math.log10(error))
    leading = round(error / 10**exponent, 1)
    return min(max(-exponent + (1 if leading < 3 else 0), 0), 4)


def _minus(text: str) -> str:
    """A typographic minus, so that columns of signed numbers line up."""
    return text.replace("-", "−")  # noqa: RUF001

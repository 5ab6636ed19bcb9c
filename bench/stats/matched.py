"""Curves at equal x: gold at a KL, gold at a proxy score, and differences there.

Every value is a local-linear fit over the rows near the target, so it is a weighted sum of rows, and two values on
the same prompts have a difference paired by prompt. Only the window is chosen; no curve shape is assumed (see `fits`
and `smooth`). `facade`, the verdicts and the reports call it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.stats.curves import WINDOW, Curve
from bench.stats.estimate import (
    BY_PROMPT,
    ENOUGH,
    LEVEL,
    Estimate,
    from_se,
    paired_difference,
    replicate_mean,
    undefined,
)

Float = NDArray[np.float64]
PROXY_WINDOW = 0.25  # gold standard deviations either side of a proxy score


@dataclass(frozen=True, eq=False)
class Matched:
    """Gold at one x. `effect_P` holds each prompt's contribution, its mean the point; empty without samples.

    If there is no value, `point` is NaN and `reason` says why.
    """

    point: float
    effect_P: Float
    prompt_ids: tuple[str, ...]
    se: float = math.nan  # without samples
    reason: str = ""

    @property
    def estimate(self) -> Estimate:
        return self.at_level(LEVEL)

    def at_level(self, level: float) -> Estimate:
        """The value with its interval over prompts."""
        if self.reason:
            return undefined("local-linear", self.reason, level)
        if not len(self.effect_P):
            return from_se(self.point, self.se, 10**6, "local-linear, errors of rows moving together", level)
        effect_P = self.effect_P[np.isfinite(self.effect_P)]
        se = float(effect_P.std(ddof=1) / math.sqrt(len(effect_P))) if len(effect_P) > 1 else math.nan
        return from_se(self.point, se, len(effect_P), f"local-linear, {BY_PROMPT}", level)


def at_kl(curve: Curve, kl: float, reach: float = WINDOW) -> Matched:
    """Gold at a KL: local-linear in d over rows within WINDOW, evaluated at sqrt(kl).

    A side without such a row takes its nearest one within a factor `reach`. Undefined without rows on both sides. The
    point is a weighted sum of the rows' gold. Its error is that of the sum, less slope times the same sum of errors in
    d (delta method). Rows share prompts, so the sum is taken within each prompt, and the spread over prompts. Without
    samples the rows' errors are taken to move together, which bounds the standard error from above.
    """
    inside = _around_kl(curve, kl, reach)
    d = curve.d[inside]
    line = _line(d, curve.gold[inside], math.sqrt(kl))
    if line is None:
        return _nothing(f"no rows on both sides of {kl:g} nats within a factor {reach:g}")
    weight_R, slope = line
    point, slope_kl = float(weight_R @ curve.gold[inside]), slope / (2 * np.maximum(d, 1e-6))  # d moves by dKL / 2d
    if curve.prompts:
        effect_RP = curve.gold_RP[inside] - slope_kl[:, None] * curve.kl_RP[inside]
        effect_P = (weight_R[:, None] * effect_RP).sum(0)
        return Matched(point, _around(point, effect_P), curve.prompt_ids)
    error_R = np.sqrt(curve.gold_se[inside] ** 2 + (slope_kl * curve.kl_se[inside]) ** 2)
    return Matched(point, np.empty(0), (), float(np.abs(weight_R) @ error_R))


def at_proxy(curve: Curve, proxy: float) -> Matched:
    """Gold where the proxy's score is `proxy`: local-linear over rows within PROXY_WINDOW, errors of both carried.

    On this axis training and best-of-n can be compared. Only rows up to the proxy's highest one count, so that the
    value is that of the rising part.
    """
    rising = np.arange(len(curve)) <= np.argmax(np.nan_to_num(curve.proxy, nan=-np.inf))
    inside = rising & np.isfinite(curve.gold + curve.proxy) & (np.abs(curve.proxy - proxy) <= PROXY_WINDOW)
    line = _line(curve.proxy[inside], curve.gold[inside], proxy)
    if line is None or not curve.prompts:
        return _nothing(f"no rows with samples on both sides of a proxy of {proxy:g} within {PROXY_WINDOW:g}")
    weight_R, slope = line
    point = float(weight_R @ curve.gold[inside])
    effect_P = (weight_R[:, None] * (curve.gold_RP[inside] - slope * curve.proxy_RP[inside])).sum(0)
    return Matched(point, _around(point, effect_P), curve.prompt_ids)


def value_at(curve: Curve, kl: float, level: float = LEVEL) -> Estimate:
    """Gold at a KL, clustered by prompt."""
    return at_kl(curve, kl).at_level(level)


def difference(one: Matched, other: Matched) -> Estimate:
    """One value minus another, paired by prompt over the prompts that both curves have."""
    if one.reason or other.reason:
        return undefined("local-linear, paired by prompt", one.reason or other.reason)
    shared, mine, theirs = np.intersect1d(one.prompt_ids, other.prompt_ids, assume_unique=True, return_indices=True)
    if not len(shared):
        return undefined("local-linear, paired by prompt", "the two curves share no prompt")
    return paired_difference(one.effect_P[mine], other.effect_P[theirs])


def difference_over(ones: Sequence[Matched], others: Sequence[Matched]) -> Estimate:
    """Differences of the i-th replicates: their t mean from ENOUGH on, else the first one, for itself alone."""
    pairs = [difference(one, other) for one, other in zip(ones, others, strict=True)]
    if len(pairs) < ENOUGH:
        return pairs[0]
    missing = next((pair.reason for pair in pairs if not pair.defined), "")
    return undefined("t over replicates", missing) if missing else replicate_mean([pair.point for pair in pairs])


def passed(curves: Sequence[Curve], kls: Sequence[float], reach: float = WINDOW) -> list[float]:
    """The KLs among `kls` at which every curve has a value."""
    return [kl for kl in kls if all(not at_kl(curve, kl, reach).reason for curve in curves)]


def _around_kl(curve: Curve, kl: float, reach: float) -> NDArray[np.bool_]:
    """Rows within WINDOW of the KL, and on a side without any the nearest one within `reach`."""
    measured = np.isfinite(curve.gold) & (curve.kl > 0)
    away = np.abs(np.log(np.where(measured, curve.kl, np.nan) / kl))
    inside = measured & (curve.kl >= kl / WINDOW) & (curve.kl <= kl * WINDOW)
    for side in (curve.kl <= kl, curve.kl >= kl):
        beyond = measured & side & (curve.kl >= kl / reach) & (curve.kl <= kl * reach)
        if beyond.any() and not (inside & side).any():
            inside[np.nanargmin(np.where(beyond, away, np.nan))] = True
    return inside


def _line(x_R: Float, y_R: Float, target: float) -> tuple[Float, float] | None:
    """Weights that give a least-squares line's value at `target`, and its slope; None if `target` is not inside."""
    if not ((x_R <= target).any() and (x_R >= target).any()) or np.ptp(x_R) == 0:
        return None
    offset = x_R - x_R.mean()
    spread = float(offset @ offset)
    return 1 / len(x_R) + offset * (target - x_R.mean()) / spread, float(offset @ y_R / spread)


def _around(point: float, effect_P: Float) -> Float:
    """Prompts' contributions, shifted to average to the point: slope times target is the same for all of them."""
    return effect_P + (point - np.nanmean(effect_P))


def _nothing(reason: str) -> Matched:
    return Matched(math.nan, np.empty(0), (), reason=reason)

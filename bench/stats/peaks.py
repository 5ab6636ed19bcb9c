"""The peak of gold, how sure its place is, and what is lost after it: rows that may be the best, d*, drop and gap.

The row that is *called* the peak is chosen on `select` (`curves`). `facade` and the reports call it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.stats.bootstrap import Resamples, curve_draws, means_under
from bench.stats.curves import Curve, peak_row
from bench.stats.estimate import (
    BY_PROMPT,
    ENOUGH,
    LEVEL,
    PAIRED,
    Estimate,
    expanded,
    from_draws,
    from_se,
    over,
    paired_difference,
    replicate_mean,
    undefined,
)
from bench.stats.smooth import smooth

Float = NDArray[np.float64]


def possible_peaks(values_RP: Float, counts_DP: Float, level: float = LEVEL) -> NDArray[np.bool_]:
    """Rows [R] not rejected as the highest: the truly highest one is among them with probability `level`.

    Row i is tested against all others at once (multiple comparisons with the best, Hsu 1981; for ranks by bootstrap,
    Mogstad et al. 2024): the largest studentised lead of another row over it, against the `level` quantile of the same
    largest under resamples centred at the data, as if all rows were level. Studentised by the paired standard error.
    NaN rows are never in the set. Of equal maxima the set holds each with that probability.
    """
    finite = np.isfinite(values_RP).any(axis=1)
    kept = np.flatnonzero(finite)
    mean_R, draws_DR = np.nanmean(values_RP[kept], axis=1), means_under(counts_DP, values_RP[kept])
    possible = np.zeros(len(values_RP), dtype=bool)
    possible[kept] = len(kept) == 1
    for i in range(len(kept) if len(kept) > 1 else 0):
        others = np.arange(len(kept)) != i
        lead_R = mean_R[others] - mean_R[i]
        lead_DR = draws_DR[:, others] - draws_DR[:, [i]]
        se_R = np.nanstd(lead_DR, axis=0, ddof=1)
        se_R = np.where(se_R > 0, se_R, np.inf)
        limit = float(np.quantile(np.nanmax((lead_DR - lead_R) / se_R, axis=1, initial=-np.inf), level))
        possible[kept[i]] = (lead_R / se_R).max(initial=-np.inf) <= expanded(limit, values_RP.shape[1])
    return possible


def peak_range(curve: Curve, resampled: Resamples, level: float = LEVEL) -> Estimate:
    """d* as the row chosen on `select`, and the range in d of the rows that may be the highest on `report`.

    It covers the evaluated rows only, not the KLs between two of them.
    """
    method = f"rows not rejected as the maximum; {PAIRED}"
    row = peak_row(curve.gold_select)
    if row is None or curve.prompts < 2:
        return undefined(method, "no select prompts" if row is None else "no samples on the report prompts", level)
    d = curve.d[possible_peaks(curve.gold_RP, resampled.of(curve.prompt_ids), level)]
    low, high = min(d.min(), curve.d[row]), max(d.max(), curve.d[row])
    return Estimate(float(curve.d[row]), float(low), float(high), level, method, curve.prompts)


@dataclass(frozen=True)
class Peak:
    """The row chosen on `select`: gold there on `report`, and its place as d = sqrt(KL) and as KL in nats."""

    gold: Estimate
    d: Estimate
    kl: Estimate

    def __str__(self) -> str:
        return f"gold {self.gold} at {self.kl.bracketed()} nats"


def chosen_peak(curves: Sequence[Curve], resampled: Resamples, level: float = LEVEL) -> Peak:
    """The peak of one setting, its row chosen anew in each replicate: t over replicates from ENOUGH on, else the first.

    With the first alone, gold has a t interval over prompts, and the place the range of rows that `peak_range` finds.
    Raises ValueError for a replicate without select prompts.
    """
    rows = [peak_row(curve.gold_select) for curve in curves]
    chosen = [(curve, row) for curve, row in zip(curves, rows, strict=True) if row is not None]
    if len(chosen) < len(curves):
        raise ValueError("a replicate has no select prompts; a peak is chosen on other prompts than it is reported on")
    gold = over([from_se(float(c.gold[r]), float(c.gold_se[r]), c.prompts, BY_PROMPT, level) for c, r in chosen])
    if len(chosen) >= ENOUGH:
        d, kl = [c.d[r] for c, r in chosen], [c.kl[r] for c, r in chosen]
        return Peak(gold, replicate_mean(d, level), replicate_mean(kl, level))
    first, row = chosen[0]
    d_first = peak_range(first, resampled, level)
    ends = (float(first.kl[row]), d_first.low**2, d_first.high**2)
    return Peak(gold, d_first, Estimate(*ends, d_first.level, d_first.method, d_first.n, d_first.reason))


@dataclass(frozen=True)
class SmoothPeak:
    """d* and gold there, of the smoothed curve."""

    d: Estimate
    gold: Estimate


def smooth_peak(curve: Curve, resampled: Resamples, level: float = LEVEL) -> SmoothPeak:
    """The highest point of the smoothed curve, with quantiles over resampled curves.

    Undefined where it is the curve's end, since then the curve has not turned. Gold there is the maximum of a noisy
    curve, so it is biased upwards, by less than its error; verdicts use `hump`.
    """
    fitted = smooth(curve)
    if fitted is None:
        return _no_peak("fewer than five rows to smooth", level)
    top = int(fitted.gold.argmax())
    if top in (0, len(fitted.d) - 1):
        return _no_peak("the smoothed curve is highest at its end", level)
    draws_DG = fitted.of_draws(curve_draws(curve, resampled), curve)
    places = fitted.d[draws_DG.argmax(axis=1)]
    return SmoothPeak(
        from_draws(float(fitted.d[top]), places, curve.prompts, level=level),
        from_draws(float(fitted.gold[top]), draws_DG.max(axis=1), curve.prompts, level=level),
    )


def peak_over_replicates(curves: Sequence[Curve], level: float = LEVEL) -> Estimate:
    """The t mean over replicates of d* of the smoothed curve, chosen anew in each; undefined if one has none."""
    fits = [smooth(curve) for curve in curves]
    places = [np.nan if f is None or f.gold.argmax() in (0, len(f.d) - 1) else f.d[f.gold.argmax()] for f in fits]
    return replicate_mean(places, level)


def drop(curve: Curve, end: int) -> Estimate:
    """Gold at the row chosen on `select` minus gold at row `end`, both on `report`, paired by prompt."""
    row = peak_row(curve.gold_select)
    if row is None:
        return undefined(PAIRED, "no select prompts")
    return paired_difference(curve.gold_RP[row], curve.gold_RP[end])


def gap(curve: Curve, row: int) -> Estimate:
    """Proxy minus gold at a row, paired by prompt."""
    return paired_difference(curve.proxy_RP[row], curve.gold_RP[row])


def _no_peak(reason: str, level: float) -> SmoothPeak:
    nothing = undefined("smoothed curve", reason, level)
    return SmoothPeak(nothing, nothing)

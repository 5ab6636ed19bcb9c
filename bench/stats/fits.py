"""Two-parameter forms of gold over d = sqrt(KL) (Gao, Schulman and Hilton 2022, 2210.10760).

Best-of-n: R(d) = d (a - b d), with d* = a / 2b and R* = a^2 / 4b. RL: R(d) = d (a - b log d), with d* = exp(a/b - 1)
and R* = b d*. Both are linear in (a, b) and fitted by plain least squares through the origin. Intervals come from
refitting whole curves under resampled prompts. Errors of the *form* are not in them: see `leave_one_out` and `ahead`.
Gamma is in `gamma`. `facade` and the reports call it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from bench.stats.bootstrap import Resamples, curve_draws
from bench.stats.curves import Curve
from bench.stats.estimate import ENOUGH, LEVEL, RESAMPLED, Estimate, from_draws, over, replicate_mean, undefined

Float = NDArray[np.float64]
_FEWEST = 3  # rows past pi_ref: one more than there are parameters


@dataclass(frozen=True)
class Form:
    """R(d) = a d - b bend(d). `peak_d` and `peak_gold` are functions of (a, b), meant for a, b > 0."""

    name: str
    bend: Callable[[Float], Float]
    peak_d: Callable[[Float, Float], Float]
    peak_gold: Callable[[Float, Float], Float]

    def value(self, a: Float | float, b: Float | float, d: Float | float) -> Float:
        """R(d)."""
        x = np.asarray(d, dtype=float)
        return np.asarray(a * x - b * self.bend(x))


BEST_OF_N = Form("best_of_n", np.square, lambda a, b: a / (2 * b), lambda a, b: a**2 / (4 * b))
RL = Form("rl", lambda d: xlogy(d, d), lambda a, b: np.exp(a / b - 1), lambda a, b: b * np.exp(a / b - 1))
FORMS = {form.name: form for form in (BEST_OF_N, RL)}


@dataclass(frozen=True)
class Fit:
    """One curve's (a, b), its peak d* and R* (`peak_d`, `peak_gold`), and the root mean square residual over `rows`.

    `reason` says why the form could not be fitted. If only the peak is undefined, `peak_d` has the reason.
    """

    form: Form
    a: Estimate
    b: Estimate
    peak_d: Estimate
    peak_gold: Estimate
    rmse: float
    rows: int
    reason: str = ""


@dataclass(frozen=True)
class Ahead:
    """A row beyond those fitted: predicted gold, measured gold, and measured minus predicted, paired by prompt."""

    row_id: str
    d: float
    predicted: float
    measured: float
    error: Estimate


def solve(form: Form, d: Float, gold: Float) -> tuple[Float, Float]:
    """Least-squares (a, b) over the last axis, the rows; leading axes are resamples. NaN where d does not vary."""
    bend = form.bend(d)
    dd, bb, db = (d * d).sum(-1), (bend * bend).sum(-1), (d * bend).sum(-1)
    dy, by = (d * gold).sum(-1), (bend * gold).sum(-1)
    determinant = dd * bb - db**2
    singular = determinant <= 1e-12 * dd * bb  # columns in proportion, up to rounding
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = (dy * bb - by * db) / determinant, (dy * db - by * dd) / determinant
    return np.where(singular, np.nan, a), np.where(singular, np.nan, b)


def fit(curve: Curve, form: Form, resampled: Resamples, rows: NDArray[np.bool_] | None = None) -> Fit:
    """Fit gold of a curve's rows (all, or those in the mask `rows`), with intervals over resampled prompts."""
    used = _usable(curve) & (True if rows is None else rows)
    d, gold = curve.d[used], curve.gold[used]
    if (d > 0).sum() < _FEWEST:
        return _unfitted(form, f"{(d > 0).sum()} rows past pi_ref; the form needs {_FEWEST}")
    a, b = (float(value) for value in solve(form, d, gold))
    if not np.isfinite(a + b):
        return _unfitted(form, "the rows do not tell a from b: too little spread in d")
    draws = curve_draws(curve, resampled)
    a_D, b_D = solve(form, draws.d[:, used], draws.gold[:, used])
    left = gold - form.value(a, b, d)
    prompts = curve.prompts
    peak_d, peak_gold = _peak(form, a, b, a_D, b_D, (d[d > 0].min(), d.max()), prompts)
    return Fit(
        form,
        from_draws(a, a_D, prompts),
        from_draws(b, b_D, prompts),
        peak_d,
        peak_gold,
        float(np.sqrt(np.mean(left[d > 0] ** 2))),
        int((d > 0).sum()),
    )


def fit_over(fits: Sequence[Fit]) -> Fit:
    """One fit from those of the replicates: the t means of their numbers from ENOUGH on, else the first.

    `rmse` and `rows` are over the rows of all replicates. A number that one replicate lacks is undefined.
    """
    if len(fits) < ENOUGH:
        return fits[0]
    rows = sum(f.rows for f in fits)
    return Fit(
        fits[0].form,
        over([f.a for f in fits]),
        over([f.b for f in fits]),
        over([f.peak_d for f in fits]),
        over([f.peak_gold for f in fits]),
        float(np.sqrt(sum(f.rows * f.rmse**2 for f in fits) / rows)) if rows else float("nan"),
        rows,
        next((f.reason for f in fits if f.reason), ""),
    )


def leave_one_out(curves: Sequence[Curve], form: Form) -> Estimate:
    """Root mean square error on a replicate of the form fitted to the others: the t mean over the one left out."""
    if len(curves) < 2:
        return undefined("leave one replicate out", "one replicate: none to leave out", n=len(curves))
    errors = []
    for left in curves:
        rest = [(c.d[_usable(c)], c.gold[_usable(c)]) for c in curves if c is not left]
        a, b = solve(form, np.concatenate([d for d, _ in rest]), np.concatenate([gold for _, gold in rest]))
        past = _usable(left) & (left.d > 0)
        errors.append(np.sqrt(np.mean((left.gold[past] - form.value(a, b, left.d[past])) ** 2)))
    return replicate_mean(errors)


def ahead(curve: Curve, form: Form, below: NDArray[np.bool_], resampled: Resamples) -> tuple[Ahead, ...]:
    """Fit the rows in the mask `below` and predict the others. Empty if those rows are too few for a fit."""
    used, rest = _usable(curve) & below, _usable(curve) & ~below
    if (curve.d[used] > 0).sum() < _FEWEST:
        return ()
    a, b = solve(form, curve.d[used], curve.gold[used])
    draws = curve_draws(curve, resampled)
    a_D, b_D = solve(form, draws.d[:, used], draws.gold[:, used])
    found = []
    for i in np.flatnonzero(rest):
        predicted = float(form.value(a, b, curve.d[i]))
        error_D = draws.gold[:, i] - form.value(a_D, b_D, draws.d[:, i])
        error = from_draws(float(curve.gold[i]) - predicted, error_D, curve.prompts)
        found.append(Ahead(curve.row_ids[i], float(curve.d[i]), predicted, float(curve.gold[i]), error))
    return tuple(found)


def _usable(curve: Curve) -> NDArray[np.bool_]:
    return np.isfinite(curve.gold + curve.d)


def _peak(
    form: Form, a: float, b: float, a_D: Float, b_D: Float, inside: tuple[float, float], prompts: int
) -> tuple[Estimate, Estimate]:
    """d* and R*, null unless b > 0 and d* lies among the rows. A resample that does not turn puts them at infinity."""
    if not (a > 0 and b > 0):
        return _none("b is not positive: the form does not turn" if b <= 0 else "a is not positive: it only falls")
    place = float(form.peak_d(np.asarray(a), np.asarray(b)))
    if not inside[0] <= place <= inside[1]:
        return _none(f"d* = {place:.3g} lies outside the rows, d from {inside[0]:.2f} to {inside[1]:.2f}")
    turns = (a_D > 0) & (b_D > 0)
    with np.errstate(all="ignore"):
        place_D = np.where(turns, form.peak_d(a_D, b_D), np.inf)
        gold_D = np.where(turns, form.peak_gold(a_D, b_D), np.inf)
    height = float(form.peak_gold(np.asarray(a), np.asarray(b)))
    return from_draws(place, place_D, prompts), from_draws(height, gold_D, prompts)


def _none(reason: str) -> tuple[Estimate, Estimate]:
    nothing = undefined(RESAMPLED, reason, LEVEL)
    return nothing, nothing


def _unfitted(form: Form, reason: str) -> Fit:
    nothing = undefined(RESAMPLED, reason, LEVEL)
    return Fit(form, nothing, nothing, nothing, nothing, float("nan"), 0, reason)

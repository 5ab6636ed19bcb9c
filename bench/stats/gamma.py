"""Gamma, the degree of over-optimization of a best-of-n curve (Kim et al. 2025, 2505.12763).

gamma = int_0^k |f - g| dx / int_0^k f dx, with f and g the best-of-n forms fitted to gold and to the proxy. Here x is
d, in which the form is stated; f and g are in one unit, gold's standard deviation; and k is the same for all curves
that are compared, so it is an argument. Larger is worse; 0 where proxy and gold agree. The reports call it.
"""

import numpy as np
from numpy.typing import NDArray

from bench.stats.bootstrap import Resamples, curve_draws
from bench.stats.curves import Curve
from bench.stats.estimate import RESAMPLED, Estimate, from_draws, undefined
from bench.stats.fits import BEST_OF_N, solve

Float = NDArray[np.float64]
Numbers = Float | float


def gamma(curve: Curve, upper: float, resampled: Resamples) -> Estimate:
    """Gamma up to d = `upper`. Undefined where the area under gold is not positive; such a resample is at infinity.

    Rows beyond `upper` take part in the fit.
    """
    used = np.isfinite(curve.gold + curve.proxy + curve.d)
    if (curve.d[used] > 0).sum() < 3 or upper > curve.d[used].max() * (1 + 1e-9):
        reason = f"the curve has {(curve.d[used] > 0).sum()} rows past pi_ref; three, up to d = {upper:.3g}, are needed"
        return undefined(RESAMPLED, reason)
    d = curve.d[used]
    point = ratio(solve(BEST_OF_N, d, curve.gold[used]), solve(BEST_OF_N, d, curve.proxy[used]), upper)
    if not np.isfinite(point):
        return undefined(RESAMPLED, "the area under gold is not positive")
    draws = curve_draws(curve, resampled)
    gold_D, proxy_D = (solve(BEST_OF_N, draws.d[:, used], scores[:, used]) for scores in (draws.gold, draws.proxy))
    return from_draws(float(point), ratio(gold_D, proxy_D, upper), curve.prompts)


def ratio(gold: tuple[Numbers, Numbers], proxy: tuple[Numbers, Numbers], upper: float) -> Float:
    """The area between two forms over the area under the first, from 0 to `upper`; infinite unless that is positive.

    The difference d (A - B d) changes sign at most once, at A / B.
    """
    A, B = np.subtract(gold[0], proxy[0], dtype=float), np.subtract(gold[1], proxy[1], dtype=float)
    whole = _area(A, B, upper)
    with np.errstate(divide="ignore", invalid="ignore"):
        turn = A / B
    crosses = (turn > 0) & (turn < upper)
    before = _area(A, B, np.where(crosses, turn, 0.0))
    between = np.where(crosses, np.abs(before) + np.abs(whole - before), np.abs(whole))
    under = _area(*gold, upper)
    return np.divide(between, under, out=np.full(np.shape(between), np.inf), where=under > 0)


def _area(a: Numbers, b: Numbers, upper: Numbers) -> Float:
    """The integral of d (a - b d) from 0 to `upper`."""
    return np.asarray(a * np.square(upper) / 2 - b * np.power(upper, 3) / 3)

"""Every kind of interval that the reports can show, with its truth in a simulated run. `coverage` counts them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.checks.statistics.simulate import D, best_of_n_form, cells, rl_form
from bench.stats.association import correlation, correlation_over
from bench.stats.bands import bonferroni_t, interpolated, max_t
from bench.stats.bootstrap import Resamples, chosen_range, curve_draws, resamples
from bench.stats.curves import Curve, peak_row
from bench.stats.estimate import Estimate, from_se, paired_difference, replicate_mean
from bench.stats.fits import BEST_OF_N, RL, Form, ahead, fit
from bench.stats.gamma import gamma, ratio
from bench.stats.matched import at_kl, at_proxy, difference, value_at
from bench.stats.peaks import drop, gap, peak_over_replicates, peak_range, smooth_peak
from bench.stats.replicates import Band, mean_curve
from bench.stats.smooth import smooth

Float = NDArray[np.float64]
DRAWS = 500
PROXY = (0.6, 0.04)  # (a, b) of the true proxy, of the best-of-n form
KLS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # nats; where bands over few points are read
SPREAD_HEIGHT, SPREAD_PEAK = 0.25, 0.3  # between replicates


@dataclass(frozen=True, eq=False)
class Case:
    """An interval (or a band, as arrays) and its truth, or None where the mean of all points stands for the truth."""

    point: Float
    low: Float
    high: Float
    truth: Float | None

    @property
    def made(self) -> bool:
        return bool(np.isfinite([self.low, self.high]).all())

    @property
    def width(self) -> float:
        return float(np.mean(self.high - self.low))

    def covers(self, estimated: Float) -> bool:
        truth = estimated if self.truth is None else self.truth
        return bool(((self.low <= truth) & (truth <= self.high)).all())


def one_replicate(rng: np.random.Generator) -> Mapping[str, Case]:
    """One cell of the best-of-n form and a second one beside it, on the same prompts."""
    (a, b), other = best_of_n_form(), best_of_n_form(2.2, 0.8)
    gold, proxy = BEST_OF_N.value(a, b, D), BEST_OF_N.value(*PROXY, D)
    curve, beside = cells(rng, [gold, BEST_OF_N.value(*other, D)], [proxy, proxy])
    at = {kl: float(BEST_OF_N.value(a, b, kl**0.5)) for kl in KLS}
    top, last = peak_row(curve.gold_select), len(curve) - 1
    assert top is not None
    fall, rise = gold[top] - gold[last], gold[top] - gold[0]
    apart = at[8.0] - float(BEST_OF_N.value(*other, 8**0.5))
    row = from_se(curve.gold[top], curve.gold_se[top], curve.prompts, "")
    inverse = (PROXY[0] - (PROXY[0] ** 2 - 4 * PROXY[1] * 1.2) ** 0.5) / (2 * PROXY[1])  # d where the proxy is 1.2
    named = {
        "gold of a row, clustered by prompt": (row, gold[top]),
        "gold at 8 nats, local-linear": (value_at(curve, 8.0), at[8.0]),
        "gold at a proxy of 1.2, local-linear": (at_proxy(curve, 1.2).estimate, float(BEST_OF_N.value(a, b, inverse))),
        "difference of two curves at 8 nats": (difference(at_kl(curve, 8.0), at_kl(beside, 8.0)), apart),
        "rise to the row chosen on select": (paired_difference(curve.gold_RP[top], curve.gold_RP[0]), rise),
        "drop from that row to the last": (drop(curve, last), fall),
        "gap of proxy over gold at the last row": (gap(curve, last), proxy[last] - gold[last]),
    }
    return {f"one replicate: {name}": _case(*pair) for name, pair in named.items()} | _resampled(rng, curve, gold)


def _resampled(rng: np.random.Generator, curve: Curve, gold: Float) -> dict[str, Case]:
    """The prompt bootstrap's intervals of the same cell."""
    a, b = best_of_n_form()
    resampled, below = resamples([curve], DRAWS, rng), D <= 8**0.5
    upper = float(curve.d.max())
    true_gamma = float(ratio((a, b), PROXY, upper))
    best, found = float(curve.d[gold.argmax()]), smooth_peak(curve, resampled)
    low, high = chosen_range(curve.d, curve.gold_RP, rng, DRAWS)
    named = {f"best-of-n form: {name}": pair for name, pair in _fitted(curve, BEST_OF_N, a, b, resampled).items()}
    named |= {
        "best-of-n form on d <= 2.8, error at d = 5.7": (ahead(curve, BEST_OF_N, below, resampled)[-1].error, 0.0),
        "gamma": (gamma(curve, upper, resampled), true_gamma),
        "d*, rows not rejected as the maximum": (peak_range(curve, resampled), best),
        "d*, smoothed": (found.d, 2.5),
        "gold at d*, smoothed": (found.gold, 1.0),
    }
    made = {name: _case(*pair) for name, pair in named.items()}
    made["range of the choice of a row, resampled"] = _whole((best, low, high), best)
    fitted = smooth(curve)
    assert fitted is not None
    band = max_t(fitted.d, fitted.gold, fitted.of_draws(curve_draws(curve, resampled), curve), curve.prompts)
    truth = BEST_OF_N.value(a, b, band.d)
    made["smoothed curve, max-t band, everywhere"] = _whole(_ends(band), truth)
    half = 1.96 * fitted.of_draws(curve_draws(curve, resampled), curve).std(axis=0)
    pointwise = Band(band.d, band.mean, band.mean - half, band.mean + half)
    made["smoothed curve, pointwise band, at its middle"] = _whole((v[64] for v in _ends(pointwise)), truth[64])
    made["smoothed curve, pointwise band, everywhere"] = _whole(_ends(pointwise), truth)
    return {f"one replicate: {name}": case for name, case in made.items()}


def rl_form_alone(rng: np.random.Generator) -> Mapping[str, Case]:
    """One cell of the RL form."""
    a, b = rl_form()
    (curve,) = cells(rng, [RL.value(a, b, D)])
    resampled = resamples([curve], DRAWS, rng)
    found = _fitted(curve, RL, a, b, resampled)
    return {f"one replicate: RL form: {name}": _case(*pair) for name, pair in found.items()}


def _fitted(curve: Curve, form: Form, a: float, b: float, resampled: Resamples) -> dict[str, tuple[Estimate, float]]:
    found = fit(curve, form, resampled)
    peak = float(form.peak_d(np.asarray(a), np.asarray(b))), float(form.peak_gold(np.asarray(a), np.asarray(b)))
    return {"a": (found.a, a), "b": (found.b, b), "d*": (found.peak_d, peak[0]), "R*": (found.peak_gold, peak[1])}


def over_replicates(replicates: int) -> Callable[[np.random.Generator], Mapping[str, Case]]:
    """Replicates whose peaks differ in height and place; the truth is the mean over the population of replicates."""

    def simulation(rng: np.random.Generator) -> Mapping[str, Case]:
        heights, places = rng.normal(1, SPREAD_HEIGHT, replicates), rng.normal(2.5, SPREAD_PEAK, replicates)
        golds = [BEST_OF_N.value(*best_of_n_form(p, h), D) for p, h in zip(places, heights, strict=True)]
        curves = cells(rng, golds)
        tops = [peak_row(c.gold_select) or 0 for c in curves]
        chosen = [float(c.d[top]) for c, top in zip(curves, tops, strict=True)]
        falls = [drop(c, len(c) - 1).point for c in curves]
        with_proxy = correlation_over([correlation(c.proxy, c.gold) for c in curves])
        named = {
            "gold at 8 nats": (replicate_mean([value_at(c, 8.0).point for c in curves]), None),
            "drop from the row chosen on select": (replicate_mean(falls), None),
            "d*, smoothed": (peak_over_replicates(curves), 2.5),
            "d*, row chosen on select": (replicate_mean(chosen), 2.5),
            "correlation of two columns": (with_proxy, None),
        }
        made = {name + "*" * (pair[1] is None): _case(*pair) for name, pair in named.items()}
        at = np.sqrt(KLS)
        wide = bonferroni_t(at, interpolated(curves, at))
        made["Bonferroni t band at six KLs, everywhere*"] = _whole(_ends(wide), None)
        narrow = mean_curve([c.d for c in curves], [c.gold for c in curves])
        if narrow is not None:
            read = [np.interp(at, narrow.d, values) for values in _ends(narrow)]
            made["pointwise t band at six KLs, everywhere*"] = _whole(read, None)
            made["pointwise t band, at 4 nats*"] = _whole((values[3] for values in read), None)
        alone = "one replicate's interval of gold at 8 nats, for the mean over replicates*"
        made[alone] = _case(value_at(curves[0], 8.0), None)
        return {f"{replicates} replicates: {name}": case for name, case in made.items()}

    return simulation


def _case(found: Estimate, truth: float | None) -> Case:
    return _whole((found.point, found.low, found.high), truth)


def _whole(ends: Iterable[ArrayLike], truth: ArrayLike | None) -> Case:
    """A point with both its ends, or whole curves of them."""
    point, low, high = (np.asarray(values, dtype=float) for values in ends)
    return Case(point, low, high, None if truth is None else np.asarray(truth, dtype=float))


def _ends(band: Band) -> tuple[Float, Float, Float]:
    return band.mean, band.low, band.high


SIMULATIONS = (one_replicate, rl_form_alone, over_replicates(3), over_replicates(5))

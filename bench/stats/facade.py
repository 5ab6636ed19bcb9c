"""The public functions of `bench.stats`: a user's table in, an estimate or a verdict out.

Each function reads the table with `frame.curves` and calls one estimator; no statistic is computed here. The columns of
the table, and what intervals are over, are in the docstring of `bench.stats`. Besides the errors that a docstring
names, every function raises `TableError` (a ValueError) for an incomplete table: a missing column, a missing or
infinite value, a prompt on which a policy was not evaluated, or a single prompt.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.errors import ConfigError
from bench.stats import fits, matched, peaks
from bench.stats.bootstrap import resamples
from bench.stats.curves import Curve
from bench.stats.estimate import ENOUGH, Estimate
from bench.stats.frame import TableError, by_policy, check_origin, curves, on_grid
from bench.stats.verdicts import hump
from bench.stats.verdicts.evidence import Decision, decide
from bench.stats.verdicts.two_settings import REACH, coincide_at, gold_at

FORMS = {"bon": fits.BEST_OF_N, "rl": fits.RL}


@dataclass(frozen=True)
class Comparison:
    """Gold of `a` minus gold of `b` at `kl` nats; with a margin, also the verdict on `|a - b| < margin`."""

    difference: Estimate
    kl: float
    margin: float | None = None
    equivalence: Decision | None = None


def curve(df: pd.DataFrame, points: int = 33) -> pd.DataFrame:
    """Gold and proxy over d = sqrt(KL), with pointwise 95% intervals.

    With one or two replicates there is one row per policy of the first. From three on there are `points` rows, on a
    grid over the range of d that all replicates cover, each replicate interpolated linearly.

    Args:
        df: the table of one setting.
        points: length of the grid.

    Returns:
        Columns d, kl (nats), gold, gold_low, gold_high, proxy, proxy_low, proxy_high, n (prompts or replicates) and
        method (what the interval is over).

    Raises:
        TableError: the replicates share no range of KL.

    Source: Gao, Schulman and Hilton 2022 (2210.10760), for the axis d.

    Example:
        >>> from bench.stats import curve, example_frame
        >>> print(curve(example_frame(), points=3)[["d", "gold", "gold_low", "gold_high", "n"]].round(1))
             d  gold  gold_low  gold_high  n
        0  0.0  -0.0      -0.1        0.0  5
        1  2.7   1.0       0.9        1.1  5
        2  5.5  -0.5      -0.6       -0.4  5
    """
    found = curves(df)
    return by_policy(found[0]) if len(found) < ENOUGH else on_grid(found, points)


def peak(df: pd.DataFrame, draws: int = 1000, seed: int = 0) -> peaks.Peak:
    """The policy at which gold is highest: chosen on some prompts, reported on others.

    The prompts of `split` 'select' choose. Without that column half of the prompts do (every other one in the order of
    their SHA-256). So the reported gold is not the maximum of noisy means.

    Args:
        df: the table of one setting.
        draws: resamples of the prompts, for the place of the peak with one replicate.
        seed: of the resamples.

    Returns:
        `gold` at the peak, and its place as `d` and as `kl` (nats), each with its interval. With one replicate the
        place has a range: that of the policies which are not rejected as the best one.

    Raises:
        TableError: too few prompts to split.

    Source: multiple comparisons with the best (Hsu 1981; Mogstad et al. 2024).

    Example:
        >>> from bench.stats import example_frame, peak
        >>> print(peak(example_frame()))  # the truth: 1 at 6.25 nats
        gold 0.98 ± 0.21 at 7.70 [4.62, 10.79] nats
    """
    found = curves(df, selects=True)
    return peaks.chosen_peak(found, resamples(found, draws, np.random.default_rng(seed)))


def hump_test(df: pd.DataFrame, kl: float, delta: float = hump.DELTA, proxy_rises: bool = True) -> hump.HumpVerdict:
    """Over-optimization as a test: gold rises by more than `delta`, and falls by more than `delta` up to `kl`.

    The peak is chosen as in `peak`, among the policies between pi_ref and the one nearest to `kl`. Rise and fall must
    exceed `delta` and the proxy must gain from the peak to `kl`, each by a one-sided test at 2.5%.

    Args:
        df: the table of one setting, with pi_ref (kl 0) among its policies.
        kl: where the fall is measured, in nats. Declare it before you see the data.
        delta: gold standard deviations that rise and fall must exceed.
        proxy_rises: whether the proxy must gain as well; set it to False for a method that optimizes no proxy.

    Returns:
        `verdict` ('observed', 'not observed' or 'undecided') with its `reason`, the estimates `rise`, `fall` and
        `proxy_gain`, and the tests of the single `replicates`. Beside it: `second` (two lines, end slopes), `weak`
        and `strong` Goodhart, and `needed`, the replicates for 80% power. A table without pi_ref, or without a
        policy within a factor 1.5 of `kl`, is undecided.

    Raises:
        ConfigError: `kl` is not positive.
        TableError: too few prompts to split.

    Source: intersection-union test (Berger 1982); partial conjunction over replicates (Benjamini and Heller 2008).

    Example:
        >>> from bench.stats import example_frame, hump_test
        >>> found = hump_test(example_frame(), kl=32)  # the truth: rise 1, fall 1.6
        >>> print(found.verdict, "| rise", found.rise, "| fall", found.fall)
        observed | rise 1.00 ± 0.21 | fall 1.63 ± 0.27
    """
    return hump.hump_test(curves(df, selects=True), _positive(kl), delta, proxy_rises)


def at_kl(df: pd.DataFrame, kl: float) -> Estimate:
    """Gold at a KL: a local-linear fit in sqrt(KL) over the policies near it.

    Policies within a factor 1.5 count; a side that has none there takes its nearest one within a factor 2.

    Args:
        df: the table of one setting.
        kl: in nats.

    Returns:
        The value with its 95% interval, which covers the error of the measured KL.

    Raises:
        ConfigError: `kl` is not positive.
        TableError: no policies on both sides of `kl`.

    Source: local-linear regression, errors of both axes by the delta method (docs/coverage.md has its coverage).

    Example:
        >>> from bench.stats import at_kl, example_frame
        >>> print(at_kl(example_frame(), kl=8))  # the truth: .98
        1.01 ± 0.09
    """
    found = curves(df)
    _values(found, kl)
    return gold_at(found, kl)


def compare(a: pd.DataFrame, b: pd.DataFrame, kl: float, margin: float | None = None) -> Comparison:
    """Gold of `a` minus gold of `b` at equal KL, paired by replicate and by prompt.

    Args:
        a, b: the tables of two settings, with the same replicates and on shared prompts.
        kl: in nats.
        margin: if set, also test that the two differ by less than `margin` gold standard deviations.

    Returns:
        The `difference` with its 95% interval and, with a margin, the `equivalence` verdict: 'observed' means within
        the margin. A difference that is merely not significant is 'undecided'.

    Raises:
        ConfigError: `kl` is not positive.
        TableError: the tables have other replicates or share no prompt, or no policies lie on both sides of `kl`.

    Source: two one-sided tests (Schuirmann 1987).

    Example:
        >>> from bench.stats import compare, example_frame
        >>> found = compare(example_frame(height=1.2, seed=1), example_frame(), kl=4, margin=.1)
        >>> print(found.difference, "| within .1:", found.equivalence.verdict)  # the truth: .19
        0.13 ± 0.16 | within .1: undecided
    """
    ones, others = curves(a), curves(b)
    if unpaired := {c.cell for c in ones} ^ {c.cell for c in others}:
        raise TableError(f"{', '.join(sorted(unpaired))}: in one table only; replicates are paired by name")
    found = matched.difference_over(_values(ones, kl), _values(others, kl))
    if not found.defined:
        raise TableError(f"{found.reason}; evaluate both settings on the same prompts")
    equivalence = None if margin is None else decide([coincide_at(ones, others, kl, margin)])[0]
    return Comparison(found, kl, margin, equivalence)


def fit(df: pd.DataFrame, form: str, draws: int = 1000, seed: int = 0) -> fits.Fit:
    """The two-parameter form of gold over d = sqrt(KL), with its peak.

    `bon`: R(d) = d (a - b d), d* = a / 2b, R* = a^2 / 4b. `rl`: R(d) = d (a - b log d), d* = exp(a / b - 1), R* = b d*.
    Both go through the origin, so gold must be 0 at pi_ref. Fitted by plain least squares.

    Args:
        df: the table of one setting.
        form: 'bon' or 'rl'.
        draws: resamples of the prompts, for the intervals with one replicate.
        seed: of the resamples.

    Returns:
        `a`, `b`, `peak_d` (d*) and `peak_gold` (R*) with their intervals, and the root mean square residual `rmse`.
        The peak is undefined, with a reason, if the form does not turn within the range of the policies. The error of
        the form itself is not in the intervals.

    Raises:
        ConfigError: unknown form.
        TableError: fewer than three policies past pi_ref, or gold at pi_ref is clearly not 0.

    Source: Gao, Schulman and Hilton 2022 (2210.10760).

    Example:
        >>> from bench.stats import example_frame, fit
        >>> found = fit(example_frame(), "bon")  # the truth: .8, .16, 2.5
        >>> print(found.a, "|", found.b, "|", found.peak_d)
        0.82 ± 0.05 | 0.165 ± 0.009 | 2.49 ± 0.03
    """
    if form not in FORMS:
        raise ConfigError(f"unknown form {form!r}; choose from {', '.join(FORMS)}")
    found = curves(df)
    for one in found:
        check_origin(one)
    resampled = resamples(found, draws, np.random.default_rng(seed))
    each = [fits.fit(c, FORMS[form], resampled) for c in found]
    if reasons := [f"{c.cell}: {f.reason}" for c, f in zip(found, each, strict=True) if f.reason]:
        raise TableError(reasons[0])
    return fits.fit_over(each)


def _values(found: Sequence[Curve], kl: float) -> list[matched.Matched]:
    """Gold of each replicate at a KL."""
    values = [matched.at_kl(c, _positive(kl), REACH) for c in found]
    for c in (c for c, value in zip(found, values, strict=True) if value.reason):
        at = ", ".join(f"{x:.3g}" for x in c.kl)
        raise TableError(f"{c.cell}: no policies on both sides of {kl:g} nats within a factor {REACH:g}; it has {at}")
    return values


def _positive(kl: float) -> float:
    if not kl > 0:
        raise ConfigError(f"kl is {kl:g}; it must be above 0 nats")
    return kl

"""What claims ask of two settings at one KL: the same gold, more gold, or a better classifier with less gold.

i-th against i-th replicate, paired by prompt. Values at a KL are those of `matched`: no row is chosen, so none by its
gold; where rows lie far apart the two that bracket the KL serve, up to a factor REACH, so that one gap in one replicate
does not cost a claim. From three replicates on the t mean over them decides, given the prompts; with fewer, each must
agree. The reports call it.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from bench.stats.compare import ENOUGH, Asked, Evidence, over_replicates
from bench.stats.curves import Curve
from bench.stats.estimate import Estimate, replicate_mean
from bench.stats.matched import at_kl, difference, passed

PARTED = 0.1  # of the margins themselves
REACH = 2.0  # in KL, of a row that stands for its side of a declared KL


def path_gap(margin_N: ArrayLike, other_N: ArrayLike) -> float:
    """How far two runs' margins of the same N batches differ: root mean square, over the margins' own (geometric mean).

    0 on one path, about 1.4 where the margins have nothing to do with each other. NaN without any.
    """
    pairs = np.array([margin_N, other_N], dtype=float)
    pairs = pairs[:, np.isfinite(pairs).all(axis=0)]
    size = np.sqrt(np.prod(np.linalg.norm(pairs, axis=1)))
    return float(np.linalg.norm(pairs[0] - pairs[1]) / size) if size > 0 else float("nan")


def coincide_at(
    ones: Sequence[Curve], others: Sequence[Curve], kl: float, margin: float, gaps: Sequence[float] = ()
) -> Evidence:
    """Gold lies within `margin` of the other's: two one-sided tests (Schuirmann 1987), by 95% intervals.

    At pi_ref the gradients of all preference losses are parallel, and as long as they are two losses are one run: that
    its curve coincides with itself is no finding. `gaps` holds each replicate's `path_gap` by that KL; unless their
    median reaches PARTED the claim cannot be observed, though it may be refuted. Runs that have no batches in common
    have no gap, or a large one: they were never on one path.
    """
    name = f"difference at {kl:g} nats"
    apart = _differences(ones, others, kl)
    if missing := _missing(apart):
        return Evidence((), missing)
    asked = over_replicates([(Asked(name, e, margin, False, c), Asked(name, e, -margin, True, c)) for c, e in apart])
    gap = float(np.nanmedian(gaps)) if np.isfinite(gaps).any() else float("inf")
    one_path = f"by {kl:g} nats the two are one path: their margins of the same batches differ by {gap:.0%}"
    return Evidence(asked, "" if gap >= PARTED else f"{one_path}, and {PARTED:.0%} are asked for")


def higher_at(ones: Sequence[Curve], others: Sequence[Curve], kl: float) -> Evidence:
    """Gold is above the other's."""
    apart = _differences(ones, others, kl)
    if missing := _missing(apart):
        return Evidence((), missing)
    return Evidence(over_replicates([(Asked(f"lead at {kl:g} nats", e, 0.0, cell=cell),) for cell, e in apart]))


def better_classifier(
    ones: Sequence[Curve], others: Sequence[Curve], kl: float, accuracy: tuple[Sequence[Curve], Sequence[Curve]]
) -> Evidence:
    """Pair accuracy is above the other's, and gold is below it. `accuracy`: the same with it in gold's place.

    Accuracies of one replicate have no interval, since rows hold their means over pairs alone: it takes three.
    """
    apart = _differences(ones, others, kl)
    if missing := _missing(apart):
        return Evidence((), missing)
    ahead = [at_kl(a, kl, REACH).point - at_kl(b, kl, REACH).point for a, b in zip(*accuracy, strict=True)]
    less = over_replicates([(Asked("lead in gold", e, 0.0, False, cell),) for cell, e in apart])
    return Evidence((Asked("lead in pair accuracy", replicate_mean(ahead), 0.0), *less))


def with_values(curve: Curve, values_R: ArrayLike) -> Curve:
    """The curve with another column of its rows in gold's place, of which only means are known."""
    none, zero = np.empty((len(curve), 0)), np.zeros(len(curve))
    values = np.asarray(values_R, dtype=float)
    return replace(curve, gold=values, gold_se=zero, gold_RP=none, proxy_RP=none, kl_RP=none, prompt_ids=())


def gold_at(curves: Sequence[Curve], kl: float) -> Estimate:
    """Gold of one setting at a KL, as claims read it: the t mean over replicates from ENOUGH on, else the first's."""
    values = [at_kl(curve, kl, REACH) for curve in curves]
    return replicate_mean([v.point for v in values]) if len(values) >= ENOUGH else values[0].estimate


def last_shared(curves: Sequence[Curve], kls: Sequence[float]) -> float | None:
    """The largest of `kls` at which every curve has a value; None where there is none."""
    return max(passed(curves, kls, REACH), default=None)


def _differences(ones: Sequence[Curve], others: Sequence[Curve], kl: float) -> list[tuple[str, Estimate]]:
    """(cell, difference in gold at the KL) of each replicate."""
    return [(a.cell, difference(at_kl(a, kl, REACH), at_kl(b, kl, REACH))) for a, b in zip(ones, others, strict=True)]


def _missing(apart: Sequence[tuple[str, Estimate]]) -> str:
    return next((f"{cell}: {e.reason}" for cell, e in apart if not e.defined), "")

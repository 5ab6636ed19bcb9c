"""Claims about two settings at equal KL: the same gold, more gold, or a better classifier with less gold.

The i-th replicate of one is compared with the i-th of the other, paired by prompt. Values at a KL are those of
`matched`: no row is chosen, so none by its gold. Where rows lie far apart the two that bracket the KL serve, up to a
factor REACH, so that one gap in one replicate does not cost a claim. From three replicates on the t mean over them
decides, given the prompts; with fewer, each must agree. The reports call it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from bench.stats.curves import Curve
from bench.stats.estimate import ENOUGH, Estimate, replicate_mean
from bench.stats.matched import at_kl, difference, difference_over, passed
from bench.stats.verdicts.evidence import Evidence, Inequality, over_replicates

PARTED = 0.1  # relative to the margins
REACH = 2.0  # in KL, of a row that stands for its side of a declared KL


def path_gap(margin_N: ArrayLike, other_N: ArrayLike) -> float:
    """Root mean square difference of two runs' margins on the same N batches, over their size (geometric mean).

    0 on one path, about 1.4 where the margins are unrelated. NaN without any.
    """
    pairs = np.array([margin_N, other_N], dtype=float)
    pairs = pairs[:, np.isfinite(pairs).all(axis=0)]
    size = np.sqrt(np.prod(np.linalg.norm(pairs, axis=1)))
    return float(np.linalg.norm(pairs[0] - pairs[1]) / size) if size > 0 else float("nan")


def coincide(ones: Sequence[Curve], others: Sequence[Curve], kls: Sequence[float], margin: float) -> Evidence:
    """Two settings' gold lies within `margin` of each other at every KL of a declared range: an equivalence test.

    Two one-sided tests at each KL (Schuirmann 1987), all of which must hold (intersection-union, so no correction over
    KLs), by the 95% intervals of the verdicts rather than the customary 90%. It fails where a difference is clearly
    beyond the margin. A KL that a curve does not reach bars the claim, which is about the whole range.
    """
    inequalities: list[Inequality] = []
    barred: list[str] = []
    for kl in kls:
        found = difference_over([at_kl(c, kl) for c in ones], [at_kl(c, kl) for c in others])
        if not found.defined:
            barred.append(found.reason)
            continue
        name = f"difference at {kl:g} nats"
        inequalities += [Inequality(name, found, margin, above=False), Inequality(name, found, -margin)]
    return Evidence(tuple(inequalities), "; ".join(dict.fromkeys(barred)))


def coincide_at(
    ones: Sequence[Curve], others: Sequence[Curve], kl: float, margin: float, gaps: Sequence[float] = ()
) -> Evidence:
    """Gold lies within `margin` of the other's at one KL, by which the two runs have left their common path.

    Two one-sided tests (Schuirmann 1987), by 95% intervals. At pi_ref the gradients of all preference losses are
    parallel, and as long as they stay so two losses are one run; its curve then coincides with itself trivially.
    `gaps` holds each replicate's `path_gap` by that KL. Unless their median reaches PARTED the claim cannot be
    observed, though it may be refuted. Runs without a batch in common have no gap, or a large one: they never shared
    a path.
    """
    name = f"difference at {kl:g} nats"
    found = _at_kl(
        ones, others, kl, lambda e, c: (Inequality(name, e, margin, False, c), Inequality(name, e, -margin, True, c))
    )
    gap = float(np.nanmedian(gaps)) if np.isfinite(gaps).any() else float("inf")
    if found.barred or gap >= PARTED:
        return found
    one_path = f"by {kl:g} nats the two are one path: their margins of the same batches differ by {gap:.0%}"
    return replace(found, barred=f"{one_path}, and {PARTED:.0%} are needed")


def higher_at(ones: Sequence[Curve], others: Sequence[Curve], kl: float) -> Evidence:
    """Gold is above the other's at one KL."""
    return _at_kl(ones, others, kl, lambda e, c: (Inequality(f"lead at {kl:g} nats", e, 0.0, cell=c),))


def better_classifier(
    ones: Sequence[Curve], others: Sequence[Curve], kl: float, accuracy: tuple[Sequence[Curve], Sequence[Curve]]
) -> Evidence:
    """Pair accuracy is above the other's, and gold is below it, at one KL.

    `accuracy` has the same curves with pair accuracy in gold's place. Accuracies of one replicate have no interval,
    since rows hold their means over pairs alone; three replicates are needed.
    """
    less = _at_kl(ones, others, kl, lambda e, c: (Inequality("lead in gold", e, 0.0, False, c),))
    if less.barred:
        return less
    ahead = [at_kl(a, kl, REACH).point - at_kl(b, kl, REACH).point for a, b in zip(*accuracy, strict=True)]
    return Evidence((Inequality("lead in pair accuracy", replicate_mean(ahead), 0.0), *less.inequalities))


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


def _at_kl(
    ones: Sequence[Curve],
    others: Sequence[Curve],
    kl: float,
    part: Callable[[Estimate, str], tuple[Inequality, ...]],
) -> Evidence:
    """`part(difference, cell)` of each replicate, taken over replicates; barred where a difference is undefined."""
    differences = [difference(at_kl(a, kl, REACH), at_kl(b, kl, REACH)) for a, b in zip(ones, others, strict=True)]
    cells = [curve.cell for curve in ones]
    missing = [f"{cell}: {e.reason}" for cell, e in zip(cells, differences, strict=True) if not e.defined]
    if missing:
        return Evidence((), missing[0])
    return Evidence(over_replicates([part(e, cell) for e, cell in zip(differences, cells, strict=True)]))

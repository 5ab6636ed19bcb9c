"""What claims other than the hump ask of curves: no fall, a fall without a rise, a higher peak, an earlier peak.

Rows are chosen on `select`, differences are measured on `report`, paired by prompt: the rules of `hump`, whose
margin DELTA they share. `curves` holds the replicates of one setting, each with pi_ref as its first row. From three
replicates on, the t mean over them decides, given the prompts, which all share; with fewer, each replicate must
agree. The reports call it.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from bench.stats.compare import Asked, Evidence, over_replicates
from bench.stats.curves import Curve, end_row, peak_between
from bench.stats.estimate import PAIRED, Estimate, paired_difference, undefined
from bench.stats.hump import DELTA


class Refused(ValueError):
    """A curve that does not support the test; the message says why."""


def no_fall(judges: Mapping[str, Sequence[Curve]], declared_kl: float, delta: float = DELTA) -> Evidence:
    """No judge's score falls by `delta` from its best row before the declared one. `judges` names the scores."""
    asked: list[Asked] = []
    try:
        for judge, curves in judges.items():
            falls = [Asked(f"fall in {judge}", _fall(c, declared_kl), delta, above=False, cell=c.cell) for c in curves]
            asked += over_replicates([(fall,) for fall in falls])
    except Refused as refused:
        return Evidence((), str(refused))
    return Evidence(tuple(asked))


def fall_without_rise(curves: Sequence[Curve], declared_kl: float, delta: float = DELTA) -> Evidence:
    """At its best row after pi_ref gold is not `delta` above pi_ref, and at the declared row it is `delta` below."""
    parts = []
    try:
        for curve in curves:
            end = _end(curve, declared_kl)
            peak = _peak(curve, 1, end + 1)
            rise = paired_difference(curve.gold_RP[peak], curve.gold_RP[0])
            fall = paired_difference(curve.gold_RP[0], curve.gold_RP[end])
            parts.append(
                (
                    Asked("rise", rise, delta, above=False, cell=curve.cell),
                    Asked("fall from π_ref", fall, delta, cell=curve.cell),
                )
            )
    except Refused as refused:
        return Evidence((), str(refused))
    return Evidence(over_replicates(parts))


def higher_peak(curves: Sequence[Curve], than: Sequence[Curve], declared_kl: float) -> Evidence:
    """Gold at its best row up to the declared KL is higher than in the other setting; i-th against i-th replicate.

    The bound is 0: two settings are compared, and neither is asked for a hump. Both must reach the declared KL, so
    that they are judged over the same range. With one replicate the choice of the two rows is taken as given; over
    replicates its chance is part of their spread.
    """
    parts = []
    try:
        for one, other in zip(curves, than, strict=True):
            peaks = [_peak(curve, 0, _end(curve, declared_kl) + 1) for curve in (one, other)]
            difference = _paired(one, peaks[0], other, peaks[1])
            parts.append((Asked("difference of peaks", difference, 0.0, cell=one.cell),))
    except Refused as refused:
        return Evidence((), str(refused))
    return Evidence(over_replicates(parts))


def earlier_peak(curves: Sequence[Curve], than: Sequence[Curve], declared_kl: float, delta: float = DELTA) -> Evidence:
    """One judge has fallen by `delta` from its own peak where another is best; i-th against i-th, the same cell.

    On `select`: `than`'s best row after pi_ref, up to the declared KL, and this judge's best row before that one. On
    `report`: from this to that the one falls by more than `delta`, and the other gains. Of curves with one peak each,
    the first says that the one peaks before the row that was chosen for the other. The second guards that choice, which
    is noisy where the other is flat: a row beyond the other's peak, at which both have fallen, shows no gain.
    """
    parts = []
    try:
        for one, other in zip(curves, than, strict=True):
            best = _peak(other, 1, _end(other, declared_kl) + 1)
            before = _peak(one, 0, best)
            fall = paired_difference(one.gold_RP[before], one.gold_RP[best])
            gain = paired_difference(other.gold_RP[best], other.gold_RP[before])
            cell = one.cell
            parts.append((Asked("fall", fall, delta, cell=cell), Asked("other judge's gain", gain, 0.0, cell=cell)))
    except Refused as refused:
        return Evidence((), str(refused))
    return Evidence(over_replicates(parts))


def _end(curve: Curve, declared_kl: float) -> int:
    end, reason = end_row(curve, declared_kl)
    if end is None:
        raise Refused(f"{curve.cell}: {reason}")
    if end == 0:
        raise Refused(f"{curve.cell}: the declared row is pi_ref itself")
    return end


def _peak(curve: Curve, first: int, end: int) -> int:
    peak = peak_between(curve, first, end)
    if peak is None:
        raise Refused(f"{curve.cell}: no row up to the declared KL has select prompts")
    return peak


def _fall(curve: Curve, declared_kl: float) -> Estimate:
    """From the best row before the declared one, pi_ref included, to the declared one; below 0 where that is higher."""
    end = _end(curve, declared_kl)
    return paired_difference(curve.gold_RP[_peak(curve, 0, end)], curve.gold_RP[end])


def _paired(one: Curve, row: int, other: Curve, other_row: int) -> Estimate:
    """The difference in gold of two curves' rows over the prompts that both have."""
    shared, mine, theirs = np.intersect1d(one.prompt_ids, other.prompt_ids, assume_unique=True, return_indices=True)
    if not len(shared):
        return undefined(PAIRED, "the two cells share no prompt")
    return paired_difference(one.gold_RP[row, mine], other.gold_RP[other_row, theirs])

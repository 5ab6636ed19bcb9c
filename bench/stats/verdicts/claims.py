"""Claims about one or two curves other than the hump: no fall, a fall without a rise, a higher or an earlier peak.

The rules are those of `hump`, and so is the margin DELTA: rows are chosen on `select`, differences are measured on
`report`, paired by prompt. `curves` holds the replicates of one setting, each with pi_ref as its first row. From three
replicates on, the t mean over them decides, given the prompts, which all share; with fewer, each replicate must
agree. A curve that does not support the test bars the claim, with the reason. The reports call it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from bench.stats.curves import Curve, end_row, peak_between
from bench.stats.estimate import PAIRED, Estimate, paired_difference, undefined
from bench.stats.verdicts.evidence import Evidence, Inequality, over_replicates
from bench.stats.verdicts.hump import DELTA

Part = tuple[Inequality, ...]  # the inequalities of one replicate


class Refused(ValueError):
    """A curve that does not support the test; the message gives the reason."""


def no_fall(scores: Mapping[str, Sequence[Curve]], declared_kl: float, delta: float = DELTA) -> Evidence:
    """No score falls by `delta` from its best row, pi_ref included, before the declared one.

    `scores` maps the name of each score to its replicates.
    """
    return _evidence(*(_falls(name, curves, declared_kl, delta) for name, curves in scores.items()))


def fall_without_rise(curves: Sequence[Curve], declared_kl: float, delta: float = DELTA) -> Evidence:
    """At its best row after pi_ref gold is not `delta` above pi_ref, and at the declared row it is `delta` below."""
    return _evidence(_fall_without_rise(curve, declared_kl, delta) for curve in curves)


def higher_peak(curves: Sequence[Curve], than: Sequence[Curve], declared_kl: float) -> Evidence:
    """Gold at its best row up to the declared KL is higher than in the other setting; i-th against i-th replicate.

    The bound is 0, since two settings are compared and neither needs a hump. Both must reach the declared KL, so that
    they are compared over the same range. With one replicate the choice of the two rows is taken as fixed; over
    replicates its chance is part of their spread.
    """
    return _evidence(_higher_peak(one, other, declared_kl) for one, other in zip(curves, than, strict=True))


def earlier_peak(curves: Sequence[Curve], than: Sequence[Curve], declared_kl: float, delta: float = DELTA) -> Evidence:
    """One score has fallen by `delta` from its peak where another is best; i-th against i-th, the same cell.

    On `select`: `than`'s best row after pi_ref, up to the declared KL, and this score's best row before that one. On
    `report`: between these two rows this score falls by more than `delta`, and the other gains. For curves with one
    peak each, the fall says that this score peaks before the row that was chosen for the other. The gain guards that
    choice, which is noisy where the other score is flat: at a row beyond the other's peak both have fallen, and the
    other shows no gain.
    """
    return _evidence(_earlier_peak(one, other, declared_kl, delta) for one, other in zip(curves, than, strict=True))


def _evidence(*groups: Iterable[Part]) -> Evidence:
    """The inequalities of each group taken over its replicates, or the reason why a curve does not support the test."""
    try:
        return Evidence(tuple(i for parts in groups for i in over_replicates(list(parts))))
    except Refused as refused:
        return Evidence((), str(refused))


def _falls(name: str, curves: Sequence[Curve], declared_kl: float, delta: float) -> Iterator[Part]:
    for curve in curves:
        end = _end(curve, declared_kl)
        fall = paired_difference(curve.gold_RP[_peak(curve, 0, end)], curve.gold_RP[end])
        yield (Inequality(f"fall in {name}", fall, delta, above=False, cell=curve.cell),)


def _fall_without_rise(curve: Curve, declared_kl: float, delta: float) -> Part:
    end = _end(curve, declared_kl)
    peak = _peak(curve, 1, end + 1)
    rise = paired_difference(curve.gold_RP[peak], curve.gold_RP[0])
    fall = paired_difference(curve.gold_RP[0], curve.gold_RP[end])
    return (
        Inequality("rise", rise, delta, above=False, cell=curve.cell),
        Inequality("fall from π_ref", fall, delta, cell=curve.cell),
    )


def _higher_peak(one: Curve, other: Curve, declared_kl: float) -> Part:
    peaks = [_peak(curve, 0, _end(curve, declared_kl) + 1) for curve in (one, other)]
    return (Inequality("difference of peaks", _paired(one, peaks[0], other, peaks[1]), 0.0, cell=one.cell),)


def _earlier_peak(one: Curve, other: Curve, declared_kl: float, delta: float) -> Part:
    best = _peak(other, 1, _end(other, declared_kl) + 1)
    before = _peak(one, 0, best)
    fall = paired_difference(one.gold_RP[before], one.gold_RP[best])
    gain = paired_difference(other.gold_RP[best], other.gold_RP[before])
    return (
        Inequality("fall", fall, delta, cell=one.cell),
        Inequality("other judge's gain", gain, 0.0, cell=one.cell),
    )


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


def _paired(one: Curve, row: int, other: Curve, other_row: int) -> Estimate:
    """The difference in gold of two curves' rows over the prompts that both have."""
    shared, mine, theirs = np.intersect1d(one.prompt_ids, other.prompt_ids, assume_unique=True, return_indices=True)
    if not len(shared):
        return undefined(PAIRED, "the two cells share no prompt")
    return paired_difference(one.gold_RP[row, mine], other.gold_RP[other_row, theirs])

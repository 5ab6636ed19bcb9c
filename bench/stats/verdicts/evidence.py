"""Inequalities about estimates, their p-values, and one verdict for each claim of a family.

A claim holds when all of its inequalities hold: its p-value is the largest of theirs (intersection-union, Berger 1982).
It fails when one inequality is reversed: that p-value is the smallest of the reversed ones, times their number.
A claim may also have to hold in single replicates. That is a further condition, not a further chance, so Holm's factor
applies to the claim's own p-value alone (docs/statistics.md). `hump`, `claims` and `two_settings` state which
inequalities a claim needs. The reports call `decide`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.stats.estimate import ENOUGH, Estimate, replicate_mean

Verdict = Literal["observed", "not observed", "undecided"]
ALPHA = 0.025  # one-sided: p is below it exactly when the 95% interval clears the bound


@dataclass(frozen=True)
class Inequality:
    """`estimate` lies above `bound`, or below it. `cell` names the replicate when there is one per replicate."""

    name: str
    estimate: Estimate
    bound: float
    above: bool = True
    cell: str = ""

    @property
    def p(self) -> float:
        """One-sided p-value: small when the inequality clearly holds."""
        return self.estimate.p_above(self.bound) if self.above else self.estimate.p_below(self.bound)

    @property
    def p_reversed(self) -> float:
        """One-sided p-value: small when the reverse clearly holds."""
        return self.estimate.p_below(self.bound) if self.above else self.estimate.p_above(self.bound)


@dataclass(frozen=True)
class Evidence:
    """The inequalities of one claim. A non-empty `barred` is the reason why the claim cannot be observed.

    `replicates` holds the same inequalities for each replicate by itself, for a claim that must be replicated: it must
    hold in `needed` of them.
    """

    inequalities: tuple[Inequality, ...]
    barred: str = ""
    replicates: tuple["Evidence", ...] = ()

    @property
    def p_for(self) -> float:
        """P-value of `the claim holds`."""
        return 1.0 if self.barred or not self.inequalities else max(i.p for i in self.inequalities)

    @property
    def needed(self) -> int:
        """The number of replicates in which it must hold by itself: at least three, and most of them."""
        return max(ENOUGH, len(self.replicates) // 2 + 1) if self.replicates else 0

    @property
    def p_replicated(self) -> float:
        """P-value against `it holds in fewer than needed` (partial conjunction, Benjamini and Heller 2008)."""
        return partial_conjunction([r.p_for for r in self.replicates], self.needed)

    @property
    def held(self) -> int:
        """The number of replicates in which it is observed by itself."""
        return sum(r.p_for < ALPHA for r in self.replicates)

    @property
    def p_against(self) -> float:
        """P-value of `the claim fails`: an inequality is reversed, or too many replicates refute it."""
        one_reversed = min([1.0, *(len(self.inequalities) * i.p_reversed for i in self.inequalities)])
        if not self.replicates:
            return one_reversed
        too_many = len(self.replicates) - self.needed + 1
        return min(1.0, 2 * one_reversed, 2 * partial_conjunction([r.p_against for r in self.replicates], too_many))

    @property
    def leaning(self) -> Verdict:
        """The verdict that the evidence is nearer to."""
        return "observed" if max(self.p_for, self.p_replicated) <= self.p_against else "not observed"

    @property
    def p(self) -> float:
        """The p-value of the verdict that the evidence leans to; for `observed`, of the claim's own inequalities."""
        return self.p_for if self.leaning == "observed" else self.p_against

    @property
    def every(self) -> tuple[Inequality, ...]:
        """The claim's own inequalities, then each replicate's."""
        return (*self.inequalities, *(i for replicate in self.replicates for i in replicate.inequalities))


@dataclass(frozen=True)
class Decision:
    """A verdict with its p-value before and after Holm's correction. `reason` says why it is not `observed`."""

    verdict: Verdict
    p: float
    p_holm: float
    reason: str


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Holm's adjusted p-values (1979), in the order of `p`: max over i <= j of (m - i + 1) p_(i), at most 1."""
    values = np.asarray(p, dtype=float)
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def partial_conjunction(p: Sequence[float], needed: int) -> float:
    """P-value against `fewer than needed of these hold`: (k - needed + 1) times the needed-th smallest of k."""
    if needed < 1:
        return 0.0
    return 1.0 if len(p) < needed else min(1.0, (len(p) - needed + 1) * sorted(p)[needed - 1])


def decide(evidence: Sequence[Evidence]) -> list[Decision]:
    """A verdict for each claim of one family, Holm-corrected over them.

    Of `it holds` and `it fails` only one is true, so m claims are m tests.
    """
    adjusted = holm([e.p for e in evidence])
    return [_decision(e, float(p)) for e, p in zip(evidence, adjusted, strict=True)]


def over_replicates(parts: Sequence[Sequence[Inequality]]) -> tuple[Inequality, ...]:
    """One list from the replicates' lists: inequalities of their t means from ENOUGH replicates on, else all of them.

    `parts` has one sequence per replicate, with the same inequalities in the same order.
    """
    if len(parts) == 1:
        return tuple(replace(inequality, cell="") for inequality in parts[0])
    if len(parts) < ENOUGH:
        return tuple(inequality for part in parts for inequality in part)
    columns = zip(*parts, strict=True)
    return tuple(
        replace(column[0], estimate=replicate_mean([i.estimate.point for i in column]), cell="") for column in columns
    )


def _decision(evidence: Evidence, p_holm: float) -> Decision:
    leaning, replicated = evidence.leaning, evidence.p_replicated < ALPHA
    verdict: Verdict = leaning if p_holm < ALPHA and (replicated or leaning == "not observed") else "undecided"
    if verdict == "observed":
        return Decision(verdict, evidence.p, p_holm, "")
    if verdict == "not observed":
        tested = len(evidence.inequalities or evidence.every)
        against = [i for i in evidence.every if tested * i.p_reversed < ALPHA]
        return Decision(verdict, evidence.p, p_holm, _listed(against, "is"))
    reasons = [evidence.barred] if evidence.barred else []
    unsure = [i for i in evidence.inequalities if i.p >= ALPHA]
    reasons += [_listed(unsure, "is not clearly")] if unsure else []
    if evidence.p < ALPHA and p_holm >= ALPHA:
        reasons = [f"{leaning} before the correction for several claims"]
    if not replicated:
        reasons.append(_unreplicated(evidence))
    return Decision(verdict, evidence.p, p_holm, "; ".join(reasons))


def _unreplicated(evidence: Evidence) -> str:
    """The number of replicates in which it holds by itself, and what the others lack."""
    others = [r for r in evidence.replicates if r.p_for >= ALPHA]
    missing = [_listed([i for i in r.inequalities if i.p >= ALPHA], "is not clearly") or r.barred for r in others]
    count = f"by itself in {evidence.held} of {len(evidence.replicates)} replicates, needed in {evidence.needed}"
    return f"{count} ({'; '.join(dict.fromkeys(missing))})" if missing else count


def _listed(inequalities: Sequence[Inequality], verb: str) -> str:
    """Each inequality once: a replicate's only if the mean over replicates has none of that name."""
    over = {i.name for i in inequalities if not i.cell}
    return "; ".join(_sentence(i, verb) for i in inequalities if not i.cell or i.name not in over)


def _sentence(inequality: Inequality, verb: str) -> str:
    """`the fall of 0.05 ± 0.02 is below 0.1`, which refutes it, or `is not clearly above 0.1`, which leaves it open."""
    above = inequality.above if "not" in verb else not inequality.above
    side = "above" if above else "below"
    cell = f" in {inequality.cell}" if inequality.cell else ""
    return f"the {inequality.name}{cell} of {inequality.estimate} {verb} {side} {inequality.bound:g}"

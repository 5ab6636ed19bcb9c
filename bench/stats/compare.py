"""Verdicts: the inequalities that a claim asks of estimates, their p-values, and Holm's correction over claims.

A claim holds when each of its inequalities does: its p-value is the largest of theirs (intersection-union, Berger
1982). It fails when one inequality is reversed: that p-value is the smallest of the reversed ones, times their number.
A claim may also ask to hold in single replicates, a further condition and not a further chance (docs/statistics.md):
Holm's factor is on the claim's own p-value alone. Which inequalities a claim asks for is in `hump`, `claims` and
`matched`. The reports call `decide`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.stats.estimate import Estimate, replicate_mean

Verdict = Literal["observed", "not observed", "undecided"]
ALPHA = 0.025  # one-sided: p is below it exactly when the 95% interval clears the bound
ENOUGH = 3  # replicates from which an interval over them is made


@dataclass(frozen=True)
class Asked:
    """One inequality: `estimate` above `bound`, or below it. `cell` names one replicate of several."""

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
    """All that one claim asks for. `barred` says why it cannot be observed, whatever the estimates are.

    `replicates` holds the same question put to each replicate by itself, where the claim asks to be replicated: it
    must hold in `needed` of them.
    """

    asked: tuple[Asked, ...]
    barred: str = ""
    replicates: tuple["Evidence", ...] = ()

    @property
    def p_for(self) -> float:
        return 1.0 if self.barred or not self.asked else max(a.p for a in self.asked)

    @property
    def needed(self) -> int:
        """In how many replicates it must hold by itself: in three, and in most of them."""
        return max(ENOUGH, len(self.replicates) // 2 + 1) if self.replicates else 0

    @property
    def p_replicated(self) -> float:
        """Against `it holds in fewer than needed` (partial conjunction by Bonferroni, Benjamini and Heller 2008)."""
        return partial_conjunction([r.p_for for r in self.replicates], self.needed)

    @property
    def held(self) -> int:
        """In how many replicates it is observed by itself."""
        return sum(r.p_for < ALPHA for r in self.replicates)

    @property
    def p_against(self) -> float:
        """An inequality is reversed, or so many replicates refute it that the needed ones cannot be had."""
        own = min([1.0, *(len(self.asked) * a.p_reversed for a in self.asked)])
        if not self.replicates:
            return own
        too_many = len(self.replicates) - self.needed + 1
        return min(1.0, 2 * own, 2 * partial_conjunction([r.p_against for r in self.replicates], too_many))

    @property
    def leaning(self) -> Verdict:
        """The verdict that the evidence is nearer to."""
        return "observed" if max(self.p_for, self.p_replicated) <= self.p_against else "not observed"

    @property
    def p(self) -> float:
        """The p-value of the verdict that the evidence leans to; for `observed`, of the claim's own inequalities."""
        return self.p_for if self.leaning == "observed" else self.p_against

    @property
    def every(self) -> tuple[Asked, ...]:
        """The claim's own inequalities, then each replicate's."""
        return (*self.asked, *(a for replicate in self.replicates for a in replicate.asked))


@dataclass(frozen=True)
class Decision:
    """A verdict with its p-value before and after Holm's correction, and what stands in its way."""

    verdict: Verdict
    p: float
    p_holm: float
    reason: str


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Holm's adjusted p-values (1979), in the order given: max over i <= j of (m - i + 1) p_(i), at most 1."""
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
    """A verdict for each claim of one family. Of `it holds` and `it fails` one is true, so m claims are m tests."""
    adjusted = holm([e.p for e in evidence])
    return [_decision(e, float(p)) for e, p in zip(evidence, adjusted, strict=True)]


def over_replicates(parts: Sequence[Sequence[Asked]]) -> tuple[Asked, ...]:
    """The same inequalities of each replicate as one list: from ENOUGH replicates on of their t means, else of each."""
    if len(parts) == 1:
        return tuple(replace(asked, cell="") for asked in parts[0])
    if len(parts) < ENOUGH:
        return tuple(asked for part in parts for asked in part)
    columns = zip(*parts, strict=True)
    return tuple(
        replace(column[0], estimate=replicate_mean([a.estimate.point for a in column]), cell="") for column in columns
    )


def _decision(evidence: Evidence, p_holm: float) -> Decision:
    leaning, replicated = evidence.leaning, evidence.p_replicated < ALPHA
    verdict: Verdict = leaning if p_holm < ALPHA and (replicated or leaning == "not observed") else "undecided"
    if verdict == "observed":
        return Decision(verdict, evidence.p, p_holm, "")
    if verdict == "not observed":
        against = [a for a in evidence.every if len(evidence.asked or evidence.every) * a.p_reversed < ALPHA]
        return Decision(verdict, evidence.p, p_holm, _listed(against, "is"))
    reasons = [evidence.barred] if evidence.barred else []
    unsure = [a for a in evidence.asked if a.p >= ALPHA]
    reasons += [_listed(unsure, "is not clearly")] if unsure else []
    if evidence.p < ALPHA and p_holm >= ALPHA:
        reasons = [f"{leaning} before the correction for several claims"]
    if not replicated:
        reasons.append(_unreplicated(evidence))
    return Decision(verdict, evidence.p, p_holm, "; ".join(reasons))


def _unreplicated(evidence: Evidence) -> str:
    """How many replicates show it by themselves, and what is missing in the others."""
    others = [r for r in evidence.replicates if r.p_for >= ALPHA]
    missing = [_listed([a for a in r.asked if a.p >= ALPHA], "is not clearly") or r.barred for r in others]
    told = f"by itself in {evidence.held} of {len(evidence.replicates)} replicates, asked for in {evidence.needed}"
    return f"{told} ({'; '.join(dict.fromkeys(missing))})" if missing else told


def _listed(asked: Sequence[Asked], verb: str) -> str:
    """Each once: a replicate's only where the mean over replicates does not say the same."""
    over = {a.name for a in asked if not a.cell}
    return "; ".join(_said(a, verb) for a in asked if not a.cell or a.name not in over)


def _said(asked: Asked, verb: str) -> str:
    """`the fall of 0.05 ± 0.02 is below 0.1`, against the claim, or `is not clearly above 0.1`, short of it."""
    above = asked.above if "not" in verb else not asked.above
    side = "above" if above else "below"
    cell = f" in {asked.cell}" if asked.cell else ""
    return f"the {asked.name}{cell} of {asked.estimate} {verb} {side} {asked.bound:g}"

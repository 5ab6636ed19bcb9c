"""Verdicts: the inequalities that a claim asks of estimates, their p-values, and Holm's correction over claims.

A claim holds when each of its inequalities does: its p-value is the largest of theirs (intersection-union, Berger
1982). It fails when one inequality is reversed: that p-value is the smallest of the reversed ones, times their number.
Which inequalities a claim asks for is in `hump` and `claims`. The reports call `decide`.
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
    """All that one claim asks for. `barred` says why it cannot be observed, whatever the estimates are."""

    asked: tuple[Asked, ...]
    barred: str = ""

    @property
    def p_for(self) -> float:
        return 1.0 if self.barred or not self.asked else max(a.p for a in self.asked)

    @property
    def p_against(self) -> float:
        return min([1.0, *(len(self.asked) * a.p_reversed for a in self.asked)])

    @property
    def p(self) -> float:
        """The p-value of the verdict that the evidence leans to."""
        return min(self.p_for, self.p_against)


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
    leaning: Verdict = "observed" if evidence.p_for <= evidence.p_against else "not observed"
    verdict: Verdict = leaning if p_holm < ALPHA else "undecided"
    if verdict == "observed":
        return Decision(verdict, evidence.p, p_holm, "")
    against = [a for a in evidence.asked if len(evidence.asked) * a.p_reversed < ALPHA]
    if verdict == "not observed":
        return Decision(verdict, evidence.p, p_holm, _listed(against, "is"))
    reasons = [evidence.barred] if evidence.barred else []
    unsure = [a for a in evidence.asked if a.p >= ALPHA]
    reasons += [_listed(unsure, "is not clearly")] if unsure else []
    if evidence.p < ALPHA:
        reasons = [f"{leaning} before the correction for several claims"]
    return Decision(verdict, evidence.p, p_holm, "; ".join(reasons))


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

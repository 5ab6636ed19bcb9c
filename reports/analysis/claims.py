"""The claims that a suite declares, each with its verdict, number and p-value, Holm-corrected over all of them.

Read from the config alone: which cells a claim is about, where its curve ends, how many replicates it waits for. The
tests are in `bench.stats`. A claim without its cells is undecided, with what is missing as its reason.
`analysis` calls `decide_claims`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.config.claims import NEAREST
from bench.stats.estimate import ENOUGH
from bench.stats.power import Needed, needed
from bench.stats.verdicts.claims import earlier_peak, fall_without_rise, higher_peak, no_fall
from bench.stats.verdicts.evidence import ALPHA, Decision, Evidence, Inequality, decide
from bench.stats.verdicts.hump import DELTA
from bench.stats.verdicts.two_settings import better_classifier, coincide_at, higher_at, last_shared
from reports.analysis.values import Values
from reports.read.cell import Cell, shared
from reports.read.pairs import by_accuracy
from reports.read.run import RunData

_APART = "the two settings share no replicate"
_TWO_METHODS = ("coincide", "higher_at", "better_classifier")


@dataclass(frozen=True)
class ClaimResult:
    """One declared claim and its result. `kl` is the KL of the row that ends its curve, in nats."""

    name: str
    kind: str
    tests: tuple[Inequality, ...]
    decision: Decision
    replicates: int
    kl: float
    notes: tuple[str, ...]
    needed: Needed

    @property
    def reason(self) -> str:
        """The obstacles to a verdict, and its conditions."""
        return "; ".join(part for part in (self.decision.reason, *self.notes) if part)

    @property
    def headline(self) -> tuple[Inequality, ...]:
        """The inequalities to show: those over replicates where there are any, else each replicate's."""
        return tuple(a for a in self.tests if not a.cell) or self.tests


@dataclass(frozen=True)
class _Case:
    """A claim before the verdict. `barred` says why it cannot be decided, though it may have numbers to show."""

    name: str
    kind: str
    evidence: Evidence
    replicates: int = 0
    kl: float = float("nan")
    barred: str = ""
    notes: tuple[str, ...] = ()

    @property
    def tested(self) -> Evidence:
        return Evidence((), self.barred) if self.barred else self.evidence


@dataclass(frozen=True)
class _Subject:
    """The cells that a claim is about, and the reason if some are missing."""

    cells: tuple[Cell, ...]
    missing: str = ""


def decide_claims(values: Values) -> list[ClaimResult]:
    """Every declared claim. The correction counts all of them, also those that cannot be decided."""
    cases = [_case(values, claim) for claim in values.run.config.get("claims", ())]
    decisions = decide([case.tested for case in cases])
    return [
        ClaimResult(
            case.name,
            case.kind,
            case.evidence.every,
            decision,
            case.replicates,
            case.kl,
            case.notes,
            needed(case.tested, alpha=ALPHA / len(cases)),
        )
        for case, decision in zip(cases, decisions, strict=True)
    ]


def _case(values: Values, claim: Mapping[str, Any]) -> _Case:
    run = values.run
    name, kind = str(claim.get("name", "")), str(claim.get("kind", ""))
    subjects = [_subject(run, str(claim.get("method", "")), claim.get("proxy"), claim.get("beta"))]
    if kind == "higher_peak":
        subjects.append(_subject(run, str(claim.get("method", "")), claim.get("than"), claim.get("beta")))
    if kind in _TWO_METHODS:
        subjects.append(_subject(run, str(claim.get("than", "")), claim.get("proxy"), claim.get("than_beta")))
    missing = "; ".join(dict.fromkeys(s.missing for s in subjects if s.missing))
    count = min(len(s.cells) for s in subjects)
    if not count:
        return _Case(name, kind, Evidence(()), barred=missing)
    kl, notes = _end(run, claim, subjects[0])
    if kl is None:
        return _Case(name, kind, Evidence(()), count, barred="no KL was declared")
    if kind in _TWO_METHODS:
        evidence, kl = _of_two(values, claim, subjects[0].cells, subjects[1].cells, kl)
    else:
        evidence = _evidence(values, claim, [s.cells for s in subjects], kl)
    return _Case(name, kind, evidence, count, kl, missing, (*notes, _condition(count)))


def _evidence(values: Values, claim: Mapping[str, Any], cells: Sequence[Sequence[Cell]], kl: float) -> Evidence:
    run, curves = values.run, [c.curve for c in cells[0]]
    match kind := claim.get("kind", ""):
        case "hump":
            return values.hump(cells[0], kl).evidence
        case "turn":
            return values.hump(cells[0], kl, proxy_rises=False).evidence
        case "no_fall":
            return no_fall({"gold": curves, "rubric": [run.scored_by(c, "users") for c in cells[0]]}, kl)
        case "fall_without_rise":
            return fall_without_rise(curves, kl)
        case "higher_peak":
            mine, theirs = shared(*cells)
            if not mine:
                return Evidence((), _APART)
            return higher_peak([c.curve for c in mine], [c.curve for c in theirs], kl)
        case "earlier_peak":
            one, other = ([run.scored_by(c, claim[key]) for c in cells[0]] for key in ("judge", "than"))
            return earlier_peak(one, other, kl)
    return Evidence((), f"no test of kind {kind!r}")


def _of_two(
    values: Values, claim: Mapping[str, Any], one: Sequence[Cell], other: Sequence[Cell], kl: float
) -> tuple[Evidence, float]:
    """The evidence of a claim about two methods, and where it was read.

    That is the last budget up to the declared KL which every replicate of both passes: by KLs alone. A claim that two
    coincide is read at a nat at the least.
    """
    mine, theirs = shared(one, other)
    if not mine:
        return Evidence((), _APART), kl
    ones, others = ([c.curve for c in cells] for cells in (mine, theirs))
    least = NEAREST if claim["kind"] == "coincide" else 0.0
    read = last_shared([*ones, *others], [b for b in {*values.run.budgets, kl} if least <= b <= kl])
    if read is None:
        return Evidence((), f"no budget up to {kl:g} nats that every replicate of both passes"), kl
    match claim["kind"]:
        case "coincide":
            gaps = [values.gaps(a, b).by(read) for a, b in zip(mine, theirs, strict=True)]
            return coincide_at(ones, others, read, float(claim.get("margin", DELTA)), gaps), read
        case "higher_at":
            return higher_at(ones, others, read), read
    accuracy = [by_accuracy(c) for c in mine], [by_accuracy(c) for c in theirs]
    return better_classifier(ones, others, read, accuracy), read


def _subject(run: RunData, method: str, proxy: str | None, beta: float | None) -> _Subject:
    """The replicates of the claimed setting: without a proxy the method's first, without a beta its smallest."""
    config = run.config.get("method", {}).get(method, {})
    cells = [c for c in run.trained if c.method == method]
    first = config.get("proxy") or [c.proxy_name for c in cells[:1]]
    proxy = proxy or (first[0] if first else None)
    cells = [c for c in cells if c.proxy_name == proxy]
    betas = (
        config.get("beta_by_proxy", {}).get(proxy)
        or config.get("beta")
        or [c.beta for c in cells if np.isfinite(c.beta)]
        or [0.0]
    )
    beta = min(betas) if beta is None else beta
    cells = [c for c in cells if np.nan_to_num(c.beta) == beta]
    cells = [c for c in cells if c.setting == cells[0].setting]
    wanted = max(run.config.get("replicates", 1), run.config.get("claim_replicates", 1))
    if not cells:
        return _Subject((), f"no cell of {method} against {proxy} at beta {beta:g} has rows")
    if run.run.get("state") == "running" and len(cells) < wanted:
        return _Subject(tuple(cells), f"{len(cells)} of {wanted} replicates so far")
    return _Subject(tuple(cells))


def _end(run: RunData, claim: Mapping[str, Any], subject: _Subject) -> tuple[float | None, tuple[str, ...]]:
    """The declared KL; where that lies beyond pi_ref's entropy, no claim may rest: then the last budget within it."""
    allowed = run.declared_kl(subject.cells[0])
    declared = allowed if claim.get("kl") is None else float(claim["kl"])
    if declared is None or run.entropy is None or declared <= run.entropy or allowed is None:
        return declared, ()
    moved = f"read at {allowed:g} nats, since {declared:g} lie beyond π_ref's entropy of {run.entropy:.1f}"
    return min(declared, allowed), (moved,)


def _condition(replicates: int) -> str:
    if replicates >= ENOUGH:
        return f"t over {replicates} replicates"
    return "conditional on one replicate" if replicates == 1 else f"conditional on these {replicates} replicates"

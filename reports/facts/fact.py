"""One published fact as a run answers it, and the table of them. `facts` and its parts make and print them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.stats.estimate import Estimate, plus_minus
from bench.stats.verdicts.evidence import Evidence, Verdict, decide


@dataclass(frozen=True)
class Fact:
    """`number` names the fact, `what` the part of it, `value` the number found, `how` its origin and its limits."""

    number: int
    what: str
    verdict: Verdict | str
    value: str
    how: str


def table(facts: Sequence[Fact]) -> str:
    """Markdown."""
    head = "| fact | what | verdict | number | how |\n|---|---|---|---|---|"
    lines = (f"| {f.number} | {f.what} | {f.verdict} | {f.value} | {f.how} |" for f in facts)
    return "\n".join([head, *(line.replace("\n", " ") for line in lines)])


def unanswered(number: int, what: str, why: str) -> Fact:
    """A fact that this run cannot answer."""
    return Fact(number, what, "undecided", "–", why)  # noqa: RUF001


def decided(
    number: int, what: str, evidence: Evidence, numbers: Mapping[str, Estimate], how: str, reasons: bool = True
) -> Fact:
    """A fact decided by inequalities; `numbers` are printed. Without `reasons` only they explain it."""
    decision = decide([evidence])[0]
    value = ", ".join(f"{name} {with_interval(found)}".strip() for name, found in numbers.items())
    note = "; ".join(part for part in (how, decision.reason if reasons else evidence.barred) if part)
    return Fact(number, what, decision.verdict, value, note)


def exact(number: int, what: str, error: float, tolerance: float, how: str) -> Fact:
    """A fact that holds to rounding or not at all."""
    verdict = "observed" if error <= tolerance else "not observed"
    return Fact(number, what, verdict, f"largest difference {error:.1e}", how)


def with_interval(found: Estimate) -> str:
    """A point with its interval, which need not be symmetric."""
    if not found.has_interval:
        return plus_minus(found.point, float("nan"))
    return f"{found.point:.2f} [{found.low:.2f}, {found.high:.2f}]".replace("-", "−")  # noqa: RUF001

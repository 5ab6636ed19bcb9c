"""The declared claims: verdicts, and the numbers behind them."""

import pandas as pd

from bench.stats.power import Needed
from bench.stats.verdicts.evidence import Inequality
from reports.analysis.analysis import Analysis
from reports.draw.table import Table, Value, interval, missing, probability
from reports.sections.section import Section

_CLAIMS = (
    "Declared in the suite before it ran. Each claim is one or more inequalities; the 95% interval follows each "
    "number. p is one-sided: the largest p of the inequalities for a claim that holds, the smallest times their "
    "number for one that fails. A verdict needs p below 0.025 after Holm's correction over all claims; otherwise "
    "the claim is undecided. With three or more replicates, intervals are t over replicates on the same prompts; "
    "world, SFT policy and gold are fixed. The last number: replicates for 80% power at the observed sizes and "
    "spread, at Holm's strictest step."
)


def claims(analysis: Analysis) -> Table:
    """The declared claims: verdict, the numbers it rests on, p-values before and after the correction."""
    records, body, decided = [], [], analysis.claims
    common = [note for note in decided[0].notes if all(note in c.notes for c in decided)] if len(decided) > 1 else []
    for claim in decided:
        decision = claim.decision
        number = "\n".join(f"{_name(a)} {interval(a.estimate)}, {_bound(a)}" for a in claim.headline)
        note = "; ".join(part for part in (decision.reason, *(n for n in claim.notes if n not in common)) if part)
        p, p_holm = decision.p, decision.p_holm
        records.append(
            {"name": claim.name, "kind": claim.kind, "verdict": decision.verdict, "number": number.replace("\n", "; ")}
            | {"p": p, "p_holm": p_holm, "replicates": claim.replicates, "kl": claim.kl, "reason": claim.reason}
            | {"needed_replicates": claim.needed.replicates, "needed_reason": claim.needed.reason}
        )
        body.append(
            (
                claim.name,
                decision.verdict,
                number or missing(note),
                probability(p),
                probability(p_holm),
                _needed(claim.needed),
                note,
            )
        )
    head = ("claim", "verdict", "number", "p", "p, Holm", "would need", "note")
    note = _CLAIMS + "".join(f" All claims: {note}." for note in common)
    frame = pd.DataFrame(records)
    if records:
        frame["needed_replicates"] = frame["needed_replicates"].astype("Int64")
    return Table("claims", "Claims", note, frame, head, tuple(body), text=3)


def claim_parts(analysis: Analysis) -> Table:
    """Every inequality of the claims, for programs; CSV only."""
    records = [
        {"claim": claim.name, "inequality": a.name, "cell": a.cell, "point": a.estimate.point, "low": a.estimate.low}
        | {
            "high": a.estimate.high,
            "n": a.estimate.n,
            "method_of_interval": a.estimate.method,
            "above": a.above,
            "bound": a.bound,
        }
        | {"p": a.p, "p_reversed": a.p_reversed}
        for claim in analysis.claims
        for a in claim.tests
    ]
    return Table("claim_parts", "Inequalities of the claims", "", pd.DataFrame(records), (), tuple(() for _ in records))


def _needed(needed: Needed) -> str | Value:
    """The number of replicates, or a dash and why."""
    return str(needed.replicates) if needed.replicates else missing(needed.reason)


def _name(test: Inequality) -> str:
    return test.name + (f" ({test.cell})" if test.cell else "")


def _bound(test: Inequality) -> str:
    return f"must be {'>' if test.above else '<'} {test.bound:g}"


SECTION = Section("claims", "Claims", (claims,), files=(claim_parts,))

"""The tables of a report, each once: numbers for the CSV, text for the page.

`make` calls `tables`. Gates and audits are in `audits`.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bench.stats.compare import Asked
from bench.stats.estimate import OVER_REPLICATES, Estimate, plus_minus
from bench.stats.matched import value_at
from bench.stats.replicates import value_over
from reports.analysis.claims import Judged
from reports.analysis.findings import Findings, nats
from reports.draw.table import Row, Table, Value, interval, missing, named, probability
from reports.read.load import Cell, RunData
from reports.sections import words


def peaks(run: RunData, findings: Findings) -> Table:
    """Where each cell's gold is best, what it is there and at the end, and the hump verdict."""
    records, body = [], []
    for cell in run.cells:
        peak = findings.peaks.get(cell.name)
        if peak is None:
            continue
        curve, row, last, hump = cell.curve, peak.row, cell.last, findings.humps.get(cell.setting)
        verdict, reason = (hump.verdict, hump.reason) if hump else ("", "no KL was declared")
        record = {
            "cell": cell.name,
            "peak_row_id": curve.row_ids[row],
            "peak_kl": curve.kl[row],
            "peak_kl_low": peak.kl_range[0],
            "peak_kl_high": peak.kl_range[1],
            "peak_d": curve.d[row],
            "peak_gold": curve.gold[row],
            "peak_gold_se": curve.gold_se[row],
            "peak_proxy": curve.proxy[row],
            "end_kl": curve.kl[last],
            "end_gold": curve.gold[last],
            "end_gold_se": curve.gold_se[last],
            "drop": peak.drop.point,
            "drop_low": peak.drop.low,
            "drop_high": peak.drop.high,
            "hump": verdict,
            "reason": reason,
        }
        records.append(record)
        if not run.is_first(cell):
            continue
        low, high = peak.kl_range
        place = nats(curve.kl[row]) + (f" [{nats(low)}, {nats(high)}]" if np.isfinite(low) else "")
        best, end = curve.row_ids[row], curve.row_ids[last]
        body.append(
            (
                named(cell, run),
                Value(place, best),
                f"{curve.d[row]:.2f}",
                Value(plus_minus(curve.gold[row], curve.gold_se[row], True, decimals=2), best),
                Value(plus_minus(curve.proxy[row], float("nan"), signed=True), best),
                Value(nats(curve.kl[last]), end),
                Value(plus_minus(curve.gold[last], curve.gold_se[last], True, decimals=2), end),
                interval(peak.drop) if row != last else missing("the best row is the last one"),
                verdict if hump and hump.rise.defined else missing(reason),
            )
        )
    return Table(
        "peaks",
        "Peaks",
        words.PEAKS,
        pd.DataFrame(records),
        ("cell", "KL at peak (nats)", "d", "gold at peak", "proxy there", "final KL", "gold at end", "drop", "hump"),
        tuple(body),
    )


def at_budgets(run: RunData) -> Table:
    """Gold at each KL budget, by setting; the CSV also has each cell by itself."""
    budgets, records, body = run.budgets, [], list[Row]()
    for cells in run.settings:
        cells = [cell for cell in cells if len(cell.curve) > 1]
        if not cells:
            continue
        values = [value_over([c.curve for c in cells], budget) for budget in budgets]
        count = max((v.n for v in values if v.method == OVER_REPLICATES), default=0)
        shown = (_at_budget(v) for v in values)
        body.append((named(cells[0], run), str(count or 1), *shown))
        for cell in cells:
            records += [_budget(cell, cell.name, b, value_at(cell.curve, b)) for b in budgets]
        records += [_budget(cells[0], "", b, v) for b, v in zip(budgets, values, strict=True) if count]
    outside = [f"{b:g}" for b in budgets if run.entropy is not None and b > run.entropy]
    warn = f" *Beyond π_ref's entropy of {run.entropy:.1f} nats: outside its support." if outside else ""
    return Table(
        "budgets",
        "Gold at KL budgets",
        words.BUDGETS + warn,
        pd.DataFrame(records),
        ("nats", "replicates", *(f"{b:g}" + ("*" if f"{b:g}" in outside else "") for b in budgets)),
        tuple(body),
    )


def _at_budget(value: Estimate) -> Value:
    if not value.defined:
        return missing(value.reason)
    told = f"{value.method}, n = {value.n}" + (f"; {value.reason}" if value.reason else "")
    return Value(plus_minus(value.point, value.error, True, decimals=2), why=told)


def _budget(cell: Cell, name: str, budget: float, value: Estimate) -> dict[str, object]:
    """One value in the CSV; over replicates `cell` is empty."""
    beta = cell.beta if np.isfinite(cell.beta) else None
    setting = {"method": cell.method, "proxy": cell.proxy_name, "beta": beta, "cell": name, "budget_nats": budget}
    found = {"gold": value.point, "low": value.low, "high": value.high, "n": value.n}
    return {**setting, **found, "method_of_interval": value.method, "reason": value.reason}


def claims(judged: Sequence[Judged]) -> Table:
    """The declared claims: verdict, the numbers it rests on, p-values before and after the correction."""
    records, body = [], []
    common = [note for note in judged[0].notes if all(note in j.notes for j in judged)] if len(judged) > 1 else []
    for claim in judged:
        decision = claim.decision
        number = "\n".join(f"{_who(a)} {interval(a.estimate)}, {_bound(a)}" for a in claim.headline)
        note = "; ".join(part for part in (decision.reason, *(n for n in claim.notes if n not in common)) if part)
        p, p_holm = decision.p, decision.p_holm
        records.append(
            {"name": claim.name, "kind": claim.kind, "verdict": decision.verdict, "number": number.replace("\n", "; ")}
            | {"p": p, "p_holm": p_holm, "replicates": claim.replicates, "kl": claim.kl, "reason": claim.reason}
        )
        body.append((claim.name, decision.verdict, number or missing(note), probability(p), probability(p_holm), note))
    head = ("claim", "verdict", "number", "p", "p, Holm", "note")
    told = words.CLAIMS + "".join(f" All claims: {note}." for note in common)
    return Table("claims", "Claims", told, pd.DataFrame(records), head, tuple(body), text=3)


def claim_parts(judged: Sequence[Judged]) -> Table:
    """Every inequality behind the claims, for programs; the page does not show it."""
    records = [
        {"claim": claim.name, "asked": a.name, "cell": a.cell, "point": a.estimate.point, "low": a.estimate.low}
        | {"high": a.estimate.high, "n": a.estimate.n, "method": a.estimate.method, "above": a.above, "bound": a.bound}
        | {"p": a.p, "p_reversed": a.p_reversed}
        for claim in judged
        for a in claim.asked
    ]
    return Table("claim_parts", "What claims ask for", "", pd.DataFrame(records), (), tuple(() for _ in records))


def _who(asked: Asked) -> str:
    return asked.name + (f" ({asked.cell})" if asked.cell else "")


def _bound(asked: Asked) -> str:
    return f"asked {'>' if asked.above else '<'} {asked.bound:g}"


def failed(run: RunData) -> Table:
    """Cells that failed or diverged, and why."""
    bad = run.bad
    reasons = bad.reason.fillna("no reason was recorded")
    alike: dict[tuple[str, str], list[str]] = {}
    for cell, status, reason in zip(bad.cell, bad.status, reasons, strict=True):
        alike.setdefault((str(status), str(reason)), []).append(str(cell))
    body = tuple((", ".join(cells), status, reason) for (status, reason), cells in alike.items())
    return Table(
        "failed",
        "Cells that did not finish",
        "Their good rows are kept in the figures.",
        bad[["row_id", "cell", "method", "status", "reason"]].copy(),
        ("cell", "status", "reason"),
        body,
        text=3,
    )


def timing(run: RunData) -> Table:
    """Wall-clock of each stage, when it was made; a cached stage cost this run nothing."""
    records = [
        {"stage": name, "kind": stage.get("kind", ""), "key": stage.get("key", ""), "wall_s": stage.get("wall_s")}
        for name, stage in run.stages.items()
    ]
    body = tuple(
        (
            r["stage"],
            r["kind"],
            r["key"],
            missing("the stage did not tell") if r["wall_s"] is None else f"{r['wall_s']:.1f}",
        )
        for r in records
    )
    total = sum(r["wall_s"] or 0.0 for r in records)
    return Table(
        "stages",
        "Stages",
        words.STAGES.format(total=total),
        pd.DataFrame(records, columns=["stage", "kind", "key", "wall_s"]),
        ("stage", "kind", "key", "seconds"),
        body,
        text=3,
    )

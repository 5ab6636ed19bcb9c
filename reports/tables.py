"""The tables of a report, each once: numbers for the CSV, text for the page.

`make` calls `tables`. Gates and audits are in `audits`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bench.stats.curves import value_at
from bench.stats.estimate import Estimate, plus_minus
from reports import words
from reports.findings import Findings, nats
from reports.load import Cell, RunData
from reports.style import method_label

DASH = "–"  # noqa: RUF001


@dataclass(frozen=True, eq=False)
class Table:
    """`data` is the CSV; `body` what the page shows under `head`. `text` counts the leading columns of words."""

    name: str
    title: str
    note: str
    data: pd.DataFrame
    head: tuple[str, ...]
    body: tuple[tuple[str, ...], ...]
    text: int = 1


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
        body.append(
            (
                named(cell, run),
                place,
                f"{curve.d[row]:.2f}",
                plus_minus(curve.gold[row], curve.gold_se[row], True, decimals=2),
                plus_minus(curve.proxy[row], float("nan"), signed=True),
                nats(curve.kl[last]),
                plus_minus(curve.gold[last], curve.gold_se[last], True, decimals=2),
                interval(peak.drop) if row != last else DASH,
                verdict if hump and hump.rise.defined else DASH,
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
    """Gold at each KL budget, by cell."""
    budgets, records, body = run.budgets, [], []
    for cell in run.trained:
        if len(cell.curve) < 2:
            continue
        values = [value_at(cell.curve, budget) for budget in budgets]
        for budget, value in zip(budgets, values, strict=True):
            fields = {
                "gold": value.point,
                "low": value.low,
                "high": value.high,
                "method": value.method,
                "reason": value.reason,
            }
            records.append({"cell": cell.name, "budget_nats": budget, **fields})
        shown = (plus_minus(v.point, v.error, True, decimals=2) if v.defined else DASH for v in values)
        if run.is_first(cell):
            body.append((named(cell, run), *shown))
    outside = [f"{b:g}" for b in budgets if run.entropy is not None and b > run.entropy]
    warn = f" Budgets of {', '.join(outside)} nats lie beyond π_ref's entropy, outside its support." if outside else ""
    return Table(
        "budgets",
        "Gold at KL budgets",
        words.BUDGETS + warn,
        pd.DataFrame(records),
        ("cell", *(f"{b:g}" + ("*" if f"{b:g}" in outside else "") for b in budgets)),
        tuple(body),
    )


def claims(verdicts: Sequence[Mapping[str, Any]]) -> Table:
    """Declared claims as {name, kind, verdict, number, reason}; absent fields show a dash."""
    fields = ("name", "kind", "verdict", "number", "reason")
    body = tuple(tuple(str(v.get(f) or DASH) for f in fields) for v in verdicts)
    return Table(
        "claims",
        "Claims",
        words.CLAIMS,
        pd.DataFrame([{f: v.get(f) for f in fields} for v in verdicts]),
        ("claim", "kind", "verdict", "number", "reason"),
        body,
        text=5,
    )


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
        (r["stage"], r["kind"], r["key"], DASH if r["wall_s"] is None else f"{r['wall_s']:.1f}") for r in records
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


def interval(value: Estimate) -> str:
    """`0.53 [0.29, 0.77]`, or a dash."""
    if not value.defined:
        return DASH
    ends = f" [{value.low:.2f}, {value.high:.2f}]" if value.has_interval else ""
    return f"{value.point:.2f}{ends}".replace("-", "−")  # noqa: RUF001


def named(cell: Cell, run: RunData) -> str:
    """A setting in words: method, coefficient, and the proxy where there are several."""
    parts = [method_label(cell.method)]
    if np.isfinite(cell.beta):
        parts.append(f"β = {cell.beta:g}")
    if run.several_proxies(cell.method):
        parts.append(f"{cell.proxy_name.replace('_', '-')} proxy")
    return ", ".join(parts)

"""Stages that two runs have under one key: whether they hold the same bytes, and where not, what may be the cause.

A key says what a stage was made from, not what it holds: another CPU rounds otherwise, and training makes that grow.
`comparison` asks.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from reports.draw.table import Row, Table, missing
from reports.page.overlay import Named
from reports.read.cell import Cell
from reports.read.run import RunData

_CONTENTS = (
    "Stages of equal key whose files have other bytes than the first run's. Gold and KL: |difference| over the rows of "
    "one name in both runs, in gold's sd and in nats. Machines: what the makers of the stage and of all its inputs "
    "recorded, where it differs."
)
_SHOWN = 3
_CHANGES = {"gold": "gold_sd", "kl": "nats"}


def stage_of(cell: Cell) -> str:
    """The stage that holds a cell's rows."""
    return f"{'bon' if cell.best_of_n else 'measure'}/{cell.name}"


def other_files(one: RunData, other: RunData, stage: str) -> list[str] | None:
    """The files of a stage that differ between the runs, those dropped since apart; empty where all bytes are equal.

    None where the keys differ, or where a run has not the stage or no hashes of it.
    """
    a, b = one.stages.get(stage, {}), other.stages.get(stage, {})
    if not a.get("files") or not b.get("files") or a.get("key") != b.get("key"):
        return None
    files = [{name: entry.get("sha256") for name, entry in manifest["files"].items()} for manifest in (a, b)]
    dropped = {*a.get("dropped", ()), *b.get("dropped", ())}
    return [n for n in sorted({*files[0], *files[1]} - dropped) if files[0].get(n) != files[1].get(n)]


def is_same(one: RunData, other: RunData, cell: Cell) -> bool:
    """True if the runs have the cell's rows from stages of one key that hold the same bytes."""
    return other_files(one, other, stage_of(cell)) == []


def changed_stages(one: RunData, other: RunData) -> dict[str, list[str]]:
    """Stages of equal key with other bytes, inputs first, and the files that differ."""
    found = {stage: other_files(one, other, stage) for stage in other.stages}
    return {stage: files for stage in sorted(found, key=lambda s: len(_closure(other, s))) if (files := found[stage])}


def differing_facts(one: RunData, other: RunData, stages: Collection[str]) -> list[str]:
    """Facts of the makers of some stages and their inputs that the runs do not share: `fact: here and there`."""
    known = [[run.stages[name].get("machine") for name in _closure(run, *stages)] for run in (one, other)]
    if not all(any(machines) for machines in known):
        return ["a run did not record its machines"]
    facts = [[_flat(machine) for machine in machines if machine] for machines in known]
    names = sorted({name for machines in facts for machine in machines for name in machine})
    values = {name: [sorted({str(m.get(name, "unset")) for m in machines}) for machines in facts] for name in names}
    return [
        f"{name}: {', '.join(here)} and {', '.join(there)}" for name, (here, there) in values.items() if here != there
    ]


def row_changes(one: RunData, other: RunData, stage: str) -> dict[str, float | None]:
    """Rows of a stage that both runs have, and the maximum and median of |difference| in gold (sd) and KL (nats).

    None where no shared row has the number in both.
    """
    cell = stage.partition("/")[2]
    a, b = (run.ok[run.ok.cell == cell].set_index("row_id") for run in (one, other))
    shared = a.index.intersection(b.index)
    found: dict[str, float | None] = {"rows": len(a.index), "other_rows": len(b.index), "shared_rows": len(shared)}
    for name, unit in _CHANGES.items():
        gaps = np.abs(a.loc[shared, name].to_numpy(float) - b.loc[shared, name].to_numpy(float))
        gaps = gaps[np.isfinite(gaps)]
        found[f"{name}_max_{unit}"] = float(gaps.max()) if gaps.size else None
        found[f"{name}_median_{unit}"] = float(np.median(gaps)) if gaps.size else None
    return found


def unit_gap(first: Named, other: Named) -> str | None:
    """A sentence with the two numbers where a unit of gold is another raw number in two runs; None where they agree."""
    units = [r.run.metric("units", "gold_sd_raw") for r in (first, other)]
    if units[0] == units[1] or None in units:
        return None
    return f"1 sd of gold is {units[1]:.6g} raw units in {other.name} and {units[0]:.6g} in {first.name}"


def zero_gap(first: Named, other: Named) -> str | None:
    """The same of the pool of pi_ref samples that puts gold's zero at every prompt."""
    spreads = [r.run.metric("reference", "gold_sd_raw") for r in (first, other)]
    if spreads[0] == spreads[1] or None in spreads:
        return None
    return (
        f"scores are centred on another pool of π_ref samples in {other.name} (gold's raw sd there is "
        f"{spreads[1]:.6g}) than in {first.name} ({spreads[0]:.6g})"
    )


def contents(runs: Sequence[Named]) -> Table:
    """Every stage that a run has under the first one's key with other bytes."""
    first, records, body = runs[0], [], []
    for other in runs[1:]:
        for stage, files in changed_stages(first.run, other.run).items():
            facts = "; ".join(differing_facts(first.run, other.run, [stage])) or "all that was recorded is equal"
            record: dict[str, Any] = {"run": other.name, "first": first.name, "stage": stage, "files": ", ".join(files)}
            changes = row_changes(first.run, other.run, stage) if "rows.parquet" in files else {}
            records.append(record | changes | {"machines": facts})
            body.append(_line(other.name, stage, files, changes, facts))
    heads = ("run", "stage", "files that differ", "rows in both", "gold max, median", "KL max, median", "machines")
    columns = ["run", "first", "stage", "files", "rows", "other_rows", "shared_rows"]
    columns += [f"{name}_{which}_{unit}" for name, unit in _CHANGES.items() for which in ("max", "median")]
    data = pd.DataFrame(records, columns=[*columns, "machines"])
    return Table("contents", "Equal keys, other content", _CONTENTS, data, heads, tuple(body), text=len(heads))


def warnings(runs: Sequence[Named]) -> list[str]:
    """Sentences on each run beside the first: units that differ; equal keys with other bytes.

    The latter say where, what the cause may be, and by how much rows move.
    """
    first, found = runs[0], []
    for other in runs[1:]:
        found += [gap for gap in (unit_gap(first, other), zero_gap(first, other)) if gap]
        changed = changed_stages(first.run, other.run)
        if changed:
            facts = differing_facts(first.run, other.run, changed)
            why = f"their machines differ ({'; '.join(facts)})" if facts else "what was recorded of machines is equal"
            first_of_all, rest = next(iter(changed)), len(changed) - 1
            where = first_of_all + (f" and {rest} more stage{'s' if rest > 1 else ''}" if rest else "")
            text = f"{other.name} has other bytes than {first.name} under equal keys in {where}: {why}"
            found.append(text + _largest(first.run, other.run, changed))
    return found


def _largest(one: RunData, other: RunData, changed: Mapping[str, Sequence[str]]) -> str:
    """The largest change of gold and of KL over the rows of all changed stages."""
    changes = [row_changes(one, other, stage) for stage, files in changed.items() if "rows.parquet" in files]
    golds, kls = ([v for c in changes if (v := c[name]) is not None] for name in ("gold_max_gold_sd", "kl_max_nats"))
    shared = int(sum(c["shared_rows"] or 0 for c in changes))
    if not golds:
        return "; they share no measured row" if changes else "; no row differs"
    kl = f" and {max(kls):.3g} nats of KL" if kls else ""
    return f"; {shared} rows of one name differ by up to {max(golds):.3g} sd of gold{kl}"


def _line(run: str, stage: str, files: Sequence[str], changes: Mapping[str, float | None], facts: str) -> Row:
    some = ", ".join(files[:_SHOWN]) + (f" and {len(files) - _SHOWN} more" if len(files) > _SHOWN else "")
    if not changes:
        return run, stage, some, *(missing("the stage's rows do not differ, or it has none") for _ in range(3)), facts
    pairs = [
        missing("no shared row has it")
        if changes[f"{name}_max_{unit}"] is None
        else f"{changes[f'{name}_max_{unit}']:.3g}, {changes[f'{name}_median_{unit}']:.3g}"
        for name, unit in _CHANGES.items()
    ]
    return run, stage, some, f"{changes['shared_rows']} of {changes['rows']}", *pairs, facts


def _closure(run: RunData, *stages: str) -> list[str]:
    """Stages and all that they were made from, by name, as far as the run knows."""
    by_key = {manifest.get("key"): name for name, manifest in run.stages.items()}
    seen, todo = [], [*stages]
    while todo:
        name = todo.pop()
        if name not in seen and name in run.stages:
            seen.append(name)
            todo += [by_key[key] for key in run.stages[name].get("inputs", {}).values() if key in by_key]
    return seen


def _flat(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts with those of a nested mapping beside the rest, as `libraries.numpy`."""
    flat: dict[str, Any] = {}
    for name, value in facts.items():
        flat |= {f"{name}.{n}": v for n, v in value.items()} if isinstance(value, Mapping) else {name: value}
    return flat

"""Wall-clock of each stage, and the machines that made them."""

import pandas as pd

from bench.engine.machine import machine_line
from reports.analysis.analysis import Analysis
from reports.draw.table import Table, missing
from reports.sections.section import Section

_STAGES = (
    "Seconds of work when the stage was made, {total:.0f} in all over workers. The key names its folder in the store."
)


def stages(analysis: Analysis) -> Table:
    """Wall-clock of each stage, when it was made; a cached stage cost this run nothing."""
    records = [
        {"stage": name, "kind": stage.get("kind", ""), "key": stage.get("key", ""), "wall_s": stage.get("wall_s")}
        for name, stage in analysis.run.stages.items()
    ]
    body = tuple(
        (
            r["stage"],
            r["kind"],
            r["key"],
            missing("the stage recorded no time") if r["wall_s"] is None else f"{r['wall_s']:.1f}",
        )
        for r in records
    )
    total = sum(r["wall_s"] or 0.0 for r in records)
    machines = [machine_line(machine) for machine in analysis.run.run.get("machines", ())]
    made_by = f" Made by {len(machines)} machine{'s' * (len(machines) > 1)}: {'; '.join(machines)}." if machines else ""
    return Table(
        "stages",
        "Stages",
        _STAGES.format(total=total) + made_by,
        pd.DataFrame(records, columns=["stage", "kind", "key", "wall_s"]),
        ("stage", "kind", "key", "seconds"),
        body,
        text=3,
    )


SECTION = Section("stages", "Stages", (stages,))

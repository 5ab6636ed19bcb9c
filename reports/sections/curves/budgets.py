"""Gold of each setting at the KL budgets. `frontier` shows the table."""

import numpy as np
import pandas as pd

from bench.stats.estimate import OVER_REPLICATES, Estimate
from reports.analysis.analysis import Analysis
from reports.draw.labels import setting_label
from reports.draw.table import Row, Table, with_error
from reports.read.cell import Cell

_BUDGETS = (
    "Local-linear interpolation in d = √KL over rows within a factor 1.5 in KL. ± is half of the 95% interval: t "
    "over replicates where three or more reach the budget, else of the first one, clustered by prompt. A dash "
    "means no rows on both sides. tables/budgets.csv has every replicate."
)


def budgets(analysis: Analysis) -> Table:
    """Gold at each KL budget, by setting; the CSV also has each cell by itself."""
    run, values, records, body = analysis.run, analysis.values, [], list[Row]()
    for cells in run.settings:
        cells = [cell for cell in cells if len(cell.curve) > 1]
        if not cells:
            continue
        found = [values.value(cells, budget) for budget in run.budgets]
        count = max((v.n for v in found if v.method == OVER_REPLICATES), default=0)
        body.append((setting_label(cells[0], run), str(count or 1), *(with_error(v) for v in found)))
        for cell in cells:
            records += [_record(cell, cell.name, b, values.at_kl(cell, b).estimate) for b in run.budgets]
        records += [_record(cells[0], "", b, v) for b, v in zip(run.budgets, found, strict=True) if count]
    outside = [f"{b:g}" for b in run.budgets if run.entropy is not None and b > run.entropy]
    warn = f" *Beyond π_ref's entropy of {run.entropy:.1f} nats (outside its typical set)." if outside else ""
    return Table(
        "budgets",
        "Gold at KL budgets",
        _BUDGETS + warn,
        pd.DataFrame(records),
        ("nats", "replicates", *(f"{b:g}" + ("*" if f"{b:g}" in outside else "") for b in run.budgets)),
        tuple(body),
    )


def _record(cell: Cell, name: str, budget: float, value: Estimate) -> dict[str, object]:
    """One value in the CSV; over replicates `cell` is empty."""
    beta = cell.beta if np.isfinite(cell.beta) else None
    setting = {"method": cell.method, "proxy": cell.proxy_name, "beta": beta, "cell": name, "budget_nats": budget}
    found = {"gold": value.point, "low": value.low, "high": value.high, "n": value.n}
    return {**setting, **found, "method_of_interval": value.method, "reason": value.reason}

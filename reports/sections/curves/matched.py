"""Trained methods at matched KL: at each budget, gold of each setting minus the first setting's, paired.

Every method enters with its smallest coefficient against its first proxy, so that nothing is chosen by the numbers
compared. Best-of-n is left out: it is not to be ranked at equal KL. `frontier` shows the table.
"""

import pandas as pd

from reports.analysis.analysis import Analysis
from reports.draw.labels import difference_label
from reports.draw.table import Row, Table, difference
from reports.read.cell import shared

_MATCHED = (
    "Gold of each method minus the first method's at the same KL, each at its smallest coefficient, paired by "
    "prompt. ± is half of the 95% interval: t over three or more shared replicates, else conditional on the first "
    "one. Not corrected for multiple comparisons. Best-of-n is left out: it is not ranked against training at "
    "equal KL."
)


def matched(analysis: Analysis) -> Table:
    """Differences in gold at each budget up to pi_ref's entropy."""
    run, values = analysis.run, analysis.values
    budgets = [b for b in run.budgets if run.entropy is None or b <= run.entropy]
    settings = analysis.trained_methods
    records, body = [], list[Row]()
    base = settings[0] if settings else []
    for other in settings[1:]:
        mine, theirs = shared(other, base)
        if not mine:
            continue
        found = [values.difference(mine, theirs, budget) for budget in budgets]
        if not any(e.defined for e in found):
            continue
        label = difference_label(other[0], base[0], run)
        body.append((label, *(difference(e) for e in found)))
        records += [
            {"one": other[0].name, "other": base[0].name, "budget_nats": budget, "difference": e.point}
            | {"low": e.low, "high": e.high, "n": e.n, "method_of_interval": e.method, "reason": e.reason}
            for budget, e in zip(budgets, found, strict=True)
        ]
    head = ("nats", *(f"{b:g}" for b in budgets))
    return Table("matched", "Differences at matched KL", _MATCHED, pd.DataFrame(records), head, tuple(body))

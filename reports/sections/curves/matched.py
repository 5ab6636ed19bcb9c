"""Trained methods at matched KL: at each budget, gold of each setting minus the first setting's, paired.

Every method enters with the setting that the page singles out, its smallest coefficient against its first proxy, so
that nothing is chosen by the numbers compared. Best-of-n is left out: it is not to be ranked at equal KL. `make`
calls it.
"""

import pandas as pd

from bench.stats.estimate import Estimate, plus_minus
from bench.stats.matched import Matched, at_kl, difference_over
from reports.analysis.findings import hardest
from reports.draw.table import Row, Table, Value, missing, named
from reports.read.load import Cell, RunData, shared
from reports.sections import words


def matched(run: RunData) -> Table:
    """Differences in gold at each budget within pi_ref's support."""
    budgets = [b for b in run.budgets if run.entropy is None or b <= run.entropy]
    settings = _settings(run)
    records, body = [], list[Row]()
    base = settings[0] if settings else []
    for other in settings[1:]:
        mine, theirs = shared(other, base)
        if not mine:
            continue
        found = [difference_over(_at(mine, budget), _at(theirs, budget)) for budget in budgets]
        if not any(e.defined for e in found):
            continue
        body.append((f"{named(other[0], run)} − {named(base[0], run)}", *(shown(e) for e in found)))  # noqa: RUF001
        records += [
            {"one": other[0].name, "other": base[0].name, "budget_nats": budget, "difference": e.point}
            | {"low": e.low, "high": e.high, "n": e.n, "method_of_interval": e.method, "reason": e.reason}
            for budget, e in zip(budgets, found, strict=True)
        ]
    head = ("nats", *(f"{b:g}" for b in budgets))
    return Table("matched", "Differences at matched KL", words.MATCHED, pd.DataFrame(records), head, tuple(body))


def _settings(run: RunData) -> list[list[Cell]]:
    """The replicates of one setting a method, those with a curve."""
    found = []
    for method in run.methods:
        cells = [c for c in run.compared if c.method == method and not c.best_of_n and len(c.curve) > 1]
        if cells:
            first = hardest([c for c in cells if c.proxy_name == cells[0].proxy_name])
            found.append([c for c in run.replicates(first) if len(c.curve) > 1])
    return found


def _at(cells: list[Cell], budget: float) -> list[Matched]:
    return [at_kl(c.curve, budget) for c in cells]


def shown(difference: Estimate) -> Value:
    """A difference with half of its interval; a clear one is told as such when asked."""
    if not difference.defined:
        return missing(difference.reason)
    clear = difference.has_interval and (difference.low > 0 or difference.high < 0)
    told = f"{difference.method}, n = {difference.n}; " + ("clear of 0" if clear else "not clear of 0")
    return Value(plus_minus(difference.point, difference.error, True, decimals=2), why=told)

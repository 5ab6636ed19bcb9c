"""The gold-KL frontier: the best gold of each method at each KL budget. `analysis` calls it.

The setting is chosen on the select prompts and its value read on the report prompts, so that the best of many is
not the luckiest.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.stats.curves import Curve
from bench.stats.estimate import Estimate
from bench.stats.replicates import value_over
from reports.analysis.values import Values
from reports.read.cell import Cell


@dataclass(frozen=True)
class Point:
    """Gold at one budget, in the setting that is best there on `select`."""

    budget: float  # nats
    gold: Estimate


def frontiers(values: Values) -> dict[str, tuple[Point, ...]]:
    """The points of each compared method that has a curve; a budget that no setting reaches has none."""
    run = values.run
    cells = [c for c in run.compared if len(c.curve) > 1]
    found = {}
    for method in dict.fromkeys(c.method for c in cells):
        settings = [run.replicates(c) for c in cells if c.method == method and run.is_first(c)]
        points = (_best(values, settings, budget) for budget in run.budgets)
        found[method] = tuple(point for point in points if point is not None)
    return found


def _best(values: Values, settings: Sequence[Sequence[Cell]], budget: float) -> Point | None:
    reached = [cells for cells in settings if values.value(cells, budget).defined]
    if not reached:
        return None
    on_select = [value_over([_on_select(c.curve) for c in cells], budget).point for cells in reached]
    best = reached[int(np.argmax(np.nan_to_num(on_select, nan=-np.inf)))]
    return Point(budget, values.value(best, budget))


def _on_select(curve: Curve) -> Curve:
    """The same curve as measured on the select prompts, without samples."""
    none = np.empty((len(curve), 0))
    names = (curve.cell, curve.row_ids)
    se = np.zeros(len(curve))
    measured = (curve.gold_select, se, curve.proxy, se, curve.kl_select, curve.gold_select)
    return Curve(*names, curve.kl_select, *measured, none, none, none)

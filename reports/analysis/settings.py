"""The settings that represent their methods. None is chosen by the numbers that are compared.

A setting is a method, a proxy and a coefficient, with its replicates. Sections, facts and other analyses call these.
"""

from collections.abc import Sequence

import numpy as np

from reports.read.cell import Cell
from reports.read.pairs import learns_from_pairs, sampler_of
from reports.read.run import RunData


def representative(cells: Sequence[Cell]) -> Cell:
    """The cell that stands for all: the first replicate, the smallest coefficient, then the furthest KL."""
    return min(cells, key=lambda c: (c.replicate, np.nan_to_num(c.beta), -c.reach))


def smallest_betas(run: RunData) -> list[list[Cell]]:
    """The replicates at the smallest coefficient of each compared method and proxy."""
    found: dict[tuple[str, str], list[Cell]] = {}
    for cells in run.settings:
        key, beta = (cells[0].method, cells[0].proxy_name), np.nan_to_num(cells[0].beta)
        if run.is_control(cells[0]) or len(cells[0].curve) < 2:
            continue
        if key not in found or beta < np.nan_to_num(found[key][0].beta):
            found[key] = cells
    return list(found.values())


def trained_methods(run: RunData) -> list[list[Cell]]:
    """One setting of each compared method except best-of-n: its first proxy, the replicates that have a curve."""
    return _one_a_method(run, [c for c in run.compared if not c.best_of_n and len(c.curve) > 1])


def pair_methods(run: RunData) -> list[list[Cell]]:
    """As `trained_methods`, of those that learn from pairs or imitate them; none unless samplers of pairs differ."""
    cells = [c for c in run.compared if len(c.curve) > 1 and not c.best_of_n]
    found = _one_a_method(run, [c for c in cells if sampler_of(c) not in ("", "on_policy")])
    samplers = {sampler_of(cells[0]) for cells in found if learns_from_pairs(cells[0])}
    return found if len(samplers) > 1 else []


def _one_a_method(run: RunData, cells: Sequence[Cell]) -> list[list[Cell]]:
    found = []
    for method in run.methods:
        some = [c for c in cells if c.method == method]
        if some:
            first = representative([c for c in some if c.proxy_name == some[0].proxy_name])
            found.append([c for c in run.replicates(first) if len(c.curve) > 1])
    return found

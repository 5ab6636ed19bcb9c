"""Cells in the order in which they are drawn, shaded by coefficient. `proxy` and `compute` call these."""

from collections.abc import Iterator, Sequence

import numpy as np

from reports.draw.style import Color, method_color, shade
from reports.read.cell import Cell
from reports.read.run import RunData


def by_kind(run: RunData) -> tuple[list[Cell], list[Cell]]:
    """Trained cells, larger coefficients first so that the others lie over them; and best-of-n's."""
    trained = sorted((c for c in run.compared if not c.best_of_n), key=lambda c: -c.beta)
    return trained, [c for c in run.compared if c.best_of_n]


def shaded(cells: Sequence[Cell]) -> Iterator[tuple[Cell, Color]]:
    """Each cell with its method's colour, shaded by the rank of its coefficient."""
    for cell in cells:
        betas = sorted({c.beta for c in cells if c.method == cell.method and np.isfinite(c.beta)})
        rank = betas.index(cell.beta) if cell.beta in betas else 0
        yield cell, shade(method_color(cell.kind), rank, len(betas))

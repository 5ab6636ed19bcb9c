"""The training data of a cell: the source of its pairs, its loss, and the cell whose pairs it replays.

Read from the columns `sampler` and `loss`, so methods may have any name.
"""

import re

import numpy as np
import pandas as pd

from bench.stats.curves import Curve
from bench.stats.verdicts.two_settings import with_values
from reports.read.cell import Cell
from reports.read.run import RunData

_REFRESHES = re.compile(r"iterative(\d+)")


def sampler_of(cell: Cell) -> str:
    """The source of its pairs: offline, iterative<k>, online, replay, replay_shuffled; empty if unknown."""
    return _value(cell, "sampler")


def loss_of(cell: Cell) -> str:
    """The name of its loss; empty if unknown."""
    return _value(cell, "loss")


def learns_from_pairs(cell: Cell) -> bool:
    """True if a contrastive loss on pairs trains it: neither a policy gradient nor imitation."""
    return not (cell.best_of_n or sampler_of(cell) in ("", "on_policy") or loss_of(cell).startswith("sft_"))


def refresh_of(cell: Cell) -> float:
    """Steps between fresh pairs: 1 online, k iterative, infinite offline; NaN for what replays others' pairs."""
    sampler = sampler_of(cell)
    if found := _REFRESHES.fullmatch(sampler):
        return float(found.group(1))
    return {"online": 1.0, "offline": float("inf")}.get(sampler, float("nan"))


def by_accuracy(cell: Cell) -> Curve:
    """The cell's curve with held-out pair accuracy in gold's place."""
    return with_values(cell.curve, cell.rows.pair_accuracy.to_numpy(dtype=float, na_value=np.nan))


def source_of(run: RunData, cell: Cell) -> Cell | None:
    """The cell whose pairs this one replays, at the same beta and replicate; None where the run has none."""
    name = run.config.get("method", {}).get(cell.method, {}).get("replay")
    alike = [c for c in run.trained if (c.method, c.beta, c.replicate) == (name, cell.beta, cell.replicate)]
    return alike[0] if alike else None


def replays_of(run: RunData) -> list[tuple[Cell, Cell]]:
    """Every cell that replays another's pairs, with that one."""
    replays = [c for c in run.trained if sampler_of(c).startswith("replay") and len(c.curve) > 1]
    return [(cell, source) for cell in replays if (source := source_of(run, cell)) is not None]


def _value(cell: Cell, column: str) -> str:
    value = cell.rows[column].iloc[0]
    return "" if pd.isna(value) else str(value)

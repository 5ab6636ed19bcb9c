"""Gold's win rate against pi_ref in gold's place. Rows hold its mean and error alone, so no prompt is paired.

The sections that show gold's mean call it: the two may turn at different KL.
"""

from dataclasses import replace

import numpy as np

from bench.stats.curves import Curve, peak_row
from bench.stats.verdicts.two_settings import with_values
from reports.read.cell import Cell


def by_win_rate(cell: Cell) -> Curve:
    """The cell's curve with the win rate (a share) and its standard error in gold's place."""
    rates, errors = (cell.rows[name].to_numpy(dtype=float, na_value=np.nan) for name in ("win_rate", "win_rate_se"))
    return replace(with_values(cell.curve, rates), gold_se=errors)


def highest_win(cell: Cell) -> int | None:
    """The row with the highest win rate on the report prompts, since rows keep none on select ones."""
    return peak_row(by_win_rate(cell).gold)

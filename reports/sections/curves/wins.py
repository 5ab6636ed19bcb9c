"""Gold's win rate against pi_ref, read beside gold's mean: at the KL budgets, and as curves."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from bench.stats.estimate import OVER_REPLICATES, Estimate
from bench.stats.replicates import value_over
from reports.analysis.analysis import Analysis
from reports.draw.figure import Figure
from reports.draw.labels import nats, setting_label
from reports.draw.table import Row, Table, with_interval
from reports.read.cell import Cell
from reports.read.wins import by_win_rate, highest_win
from reports.sections.lines import Frame, curves_figure

_WINS = (
    "Share of texts that gold scores above π_ref's on the same prompt, ties one half; 0.5 is π_ref. Read as gold at "
    "the same budgets, with 95% intervals. A mean can rise on a few high scores while fewer texts win, so the two may "
    "turn at different KL: the last columns have the rows at which each is highest in the first replicate, gold's on "
    "select prompts, the win rate's on report prompts."
)
_CURVES = (
    "Gold's win rate against π_ref (0.5 at π_ref), against d = √KL, for the same cells as the figure of gold and "
    "proxy. With three or more replicates: their mean with a pointwise 95% t band. With fewer: the first replicate "
    "with ±1.96 se, clustered by prompt."
)


def win_rates(analysis: Analysis) -> Table:
    """The win rate at each KL budget, by setting, and whether it turns where gold does."""
    run, records, body = analysis.run, list[dict[str, object]](), list[Row]()
    for cells in run.settings:
        cells = [cell for cell in cells if len(cell.curve) > 1 and highest_win(cell) is not None]
        if not cells:
            continue
        found = [_at(cells, budget) for budget in run.budgets]
        turns = _turns(analysis, cells[0])
        body.append((setting_label(cells[0], run), *(with_interval(value) for value in found), *turns))
        records += [_record(cells[0], b, v) for b, v in zip(run.budgets, found, strict=True)]
    head = ("nats", *(f"{b:g}" for b in run.budgets), "gold highest at", "win rate highest at")
    return Table("win_rates", "Gold's win rate at KL budgets", _WINS, pd.DataFrame(records), head, tuple(body))


def win_curves(analysis: Analysis) -> Figure | None:
    """The win rate against sqrt(KL)."""
    cells = [c for c in analysis.run.compared if len(c.curve) > 1 and highest_win(c) is not None]
    frame = Frame("win_rates", "Gold's win rate as optimisation goes on", _CURVES)
    return curves_figure(analysis, cells, ("win_rate",), frame, "share won against π_ref")


def _at(cells: Sequence[Cell], budget: float) -> Estimate:
    """The win rate of a setting at a budget; of one replicate, `n` counts the prompts behind the rows' errors."""
    found = value_over([by_win_rate(cell) for cell in cells], budget)
    if found.method == OVER_REPLICATES or not found.has_interval:
        return found
    return replace(found, n=int(cells[0].rows.n_prompts.max()))


def _turns(analysis: Analysis, cell: Cell) -> tuple[str, str]:
    peak, win = analysis.peaks.get(cell.name), highest_win(cell)
    kl = cell.curve.kl
    return nats(kl[peak.row]) if peak else "–", nats(kl[win]) if win is not None else "–"  # noqa: RUF001


def _record(cell: Cell, budget: float, value: Estimate) -> dict[str, object]:
    beta = cell.beta if np.isfinite(cell.beta) else None
    setting = {"method": cell.method, "proxy": cell.proxy_name, "beta": beta, "budget_nats": budget}
    found = {"win_rate": value.point, "low": value.low, "high": value.high, "n": value.n}
    return {**setting, **found, "method_of_interval": value.method, "reason": value.reason}

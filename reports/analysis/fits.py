"""The two-parameter forms fitted to a run's curves, and best-of-n fitted on small n against what larger n then gave.

Fits are of each setting's first replicate, with intervals over resampled prompts; how well a form carries over to
another replicate is beside them. `make` calls `fit_curves`, and hands what it returns to figures and tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.stats.bootstrap import Resamples, resamples
from bench.stats.estimate import Estimate
from bench.stats.fits import BEST_OF_N, RL, Ahead, Fit, ahead, fit, leave_one_out
from bench.stats.gamma import gamma
from reports.draw.table import Row, Table, Value, missing, named
from reports.read.load import Cell, RunData
from reports.sections import words

BELOW_N = 64  # the rows that a prediction rests on; larger n are predicted
DRAWS = 1000
SEED = 20221019  # of the resamples; the same page on every rebuild


@dataclass(frozen=True, eq=False)
class Fitted:
    """One setting. `below` is best-of-n fitted on n <= BELOW_N alone, and `ahead` its predictions."""

    cell: Cell
    fit: Fit
    left_out: Estimate
    gamma: Estimate | None = None
    below: Fit | None = None
    ahead: tuple[Ahead, ...] = ()


def fit_curves(run: RunData) -> list[Fitted]:
    """Every setting whose first replicate has samples."""
    settings = [cells for cells in run.settings if cells[0].curve.prompts > 1 and len(cells[0].curve) > 1]
    if not settings:
        return []
    drawn = resamples([cells[0].curve for cells in settings], DRAWS, np.random.default_rng(SEED))
    reach = [c[0].curve.d.max() for c in settings if c[0].best_of_n]
    return [_fitted(cells, drawn, min(reach, default=0.0)) for cells in settings]


def _fitted(cells: list[Cell], drawn: Resamples, upper: float) -> Fitted:
    first, curves = cells[0], [c.curve for c in cells if len(c.curve) > 1]
    if not first.best_of_n:
        return Fitted(first, fit(first.curve, RL, drawn), leave_one_out(curves, RL))
    small = first.rows.n.to_numpy(dtype=float) <= BELOW_N
    return Fitted(
        first,
        fit(first.curve, BEST_OF_N, drawn),
        leave_one_out(curves, BEST_OF_N),
        gamma(first.curve, upper, drawn),
        fit(first.curve, BEST_OF_N, drawn, small),
        ahead(first.curve, BEST_OF_N, small, drawn),
    )


def fits(run: RunData, fitted: list[Fitted]) -> Table:
    """Both parameters of each setting's form, what they imply, and how far off the form is."""
    head = ("setting", "form", "a", "b", "d*", "gold at d*", "rmse", "rmse, replicate left out", "gamma")
    records, body = [], list[Row]()
    for f in fitted:
        numbers = {"a": f.fit.a, "b": f.fit.b, "peak_d": f.fit.peak_d, "peak_gold": f.fit.peak_gold}
        others = {"left_out": f.left_out, **({"gamma": f.gamma} if f.gamma else {})}
        records.append(
            {
                "cell": f.cell.name,
                "form": f.fit.form.name,
                "rmse": f.fit.rmse,
                "rows": f.fit.rows,
                "reason": f.fit.reason,
            }
            | {k: v for name, e in {**numbers, **others}.items() for k, v in _columns(name, e).items()}
        )
        rmse = f"{f.fit.rmse:.2f}" if np.isfinite(f.fit.rmse) else missing(f.fit.reason)
        form = ("d(a − b d)" if f.cell.best_of_n else "d(a − b log d)").replace(" ", "\u00a0")  # noqa: RUF001
        last = shown(f.gamma) if f.gamma else missing("gamma is of best-of-n curves")
        body.append((named(f.cell, run), form, *(shown(e) for e in numbers.values()), rmse, shown(f.left_out), last))
    return Table("fits", "Fitted forms", words.FITS, pd.DataFrame(records), head, tuple(body), text=2)


def predictions(run: RunData, fitted: list[Fitted]) -> Table:
    """What best-of-n fitted on small n says of larger n, and what was measured."""
    records, body = [], list[Row]()
    for f in fitted:
        for a in f.ahead:
            records.append(
                {"row_id": a.row_id, "d": a.d, "predicted": a.predicted, "measured": a.measured}
                | _columns("error", a.error)
            )
            n = a.row_id.rpartition("@n")[2]
            numbers = (f"{a.d:.2f}", f"{a.predicted:+.2f}", f"{a.measured:+.2f}")
            body.append((named(f.cell, run), Value(n, a.row_id), *numbers, shown(a.error)))
    head = ("setting", "n", "d", "predicted gold", "measured", "measured − predicted")  # noqa: RUF001
    title = f"Best-of-n: fitted on n ≤ {BELOW_N}, predicted beyond"
    return Table("predictions", title, words.PREDICTIONS, pd.DataFrame(records), head, tuple(body))


def by_cell(fitted: list[Fitted]) -> Mapping[str, Fitted]:
    return {f.cell.name: f for f in fitted}


def shown(value: Estimate) -> Value:
    """`1.42 [1.30, 1.55]`, or a dash and why."""
    if not value.defined:
        return missing(value.reason)
    ends = f" [{value.low:.2f}, {value.high:.2f}]" if value.has_interval else ""
    told = f"{value.method}, n = {value.n}" + (f"; {value.reason}" if value.reason else "")
    return Value(f"{value.point:.2f}{ends}".replace("-", "−"), why=told)  # noqa: RUF001


def _columns(name: str, value: Estimate) -> dict[str, object]:
    return {name: value.point, f"{name}_low": value.low, f"{name}_high": value.high, f"{name}_reason": value.reason}

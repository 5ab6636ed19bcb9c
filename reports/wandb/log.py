"""The content logged to Weights & Biases for a cell and for a run, as plain values; `session` sends it.

A cell's history is its rows, value for value (nulls are left out, never 0), and after them gold at each KL budget.
What is the same in all its rows is its config. No wandb here, and no network.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.core.records import REPORT, SCHEMA_VERSION
from bench.stats.curves import d_of, nearest_row, peak_row
from bench.stats.matched import value_at
from reports.analysis.analysis import Analysis
from reports.read.cell import Cell
from reports.read.load import load
from reports.read.run import RunData

D, KL, STEP, BUDGET = "d", "kl", "step", "budget"  # the axes; d = sqrt(KL), of best-of-n's analytic KL where n is large
AXES = (D, KL, STEP, BUDGET)
AT_BUDGET = ("gold_at_budget", "gold_at_budget_low", "gold_at_budget_high")
PEAK = ("peak_row_id", "peak_kl", "peak_d", "peak_gold", "peak_proxy")
PROMPTS = 4  # at each budget, the first ones by id

_IDENTITY = [
    "schema",
    "suite",
    "cell",
    "method",
    "method_type",
    "sampler",
    "loss",
    "beta",
    "proxy_id",
    "proxy_params",
    "pairs_n",
]
_IDENTITY += ["label_noise", "replicate", "seed", "pairs_seed", "proxy_seed"]
_TEXTS = ["prompt_id", "prompt", "response", "gold", "proxy", "rubric", "logratio", "n_tokens"]

Values = dict[str, Any]


@dataclass(frozen=True, eq=False)
class CellLog:
    """One cell as a W&B run. `history` has one entry a W&B step."""

    config: Values
    tags: tuple[str, ...]
    history: tuple[Values, ...]
    summary: Values
    samples: pd.DataFrame

    @property
    def axes(self) -> dict[str, str]:
        """The default x axis of every key of the history."""
        keys = dict.fromkeys(key for values in self.history for key in values)
        return {key: BUDGET if key in AT_BUDGET else D for key in keys if key not in AXES}


@dataclass(frozen=True, eq=False)
class RunLog:
    """A whole run as one W&B run: the gold-KL frontier, tables, figures, the page.

    The frontier waits for cells that crashed: a history cannot be taken back, and theirs may change it.
    """

    config: Values
    history: tuple[Values, ...]
    tables: dict[str, pd.DataFrame]
    figures: dict[str, Path]
    page: Path


def cell_log(folder: Path, suite: str, budgets: Sequence[float], identity: Mapping[str, Any] | None = None) -> CellLog:
    """The log of the finished cell whose stage is `folder`."""
    data = load(folder, identity)
    first = data.rows.iloc[0]
    proxy = re.sub(r"-r\d+$", "", str(first.proxy_id)) if pd.notna(first.proxy_id) else None
    setting = re.sub(r"-r\d+$", "", str(first.cell))  # what its replicates share
    config = {name: plain(first[name]) for name in _IDENTITY}
    config |= {"schema": SCHEMA_VERSION, "suite": suite, "proxy": proxy, "setting": setting}
    config["stage"] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["config"]
    cell = data.cells[0] if data.cells else None
    tags = (str(first.method), suite, proxy or "no proxy", f"r{first.replicate}")
    return CellLog(
        config=config,
        tags=tags,
        history=(*_history(data.rows), *_at_budgets(cell, budgets)),
        summary=_peak(cell),
        samples=_samples(data, cell, budgets),
    )


def run_log(folder: Path) -> RunLog:
    """The log of the run in `folder`, whose report has been built."""
    run = load(folder)
    tables = {path.stem: pd.read_csv(path) for path in sorted((folder / "tables").glob("*.csv"))}
    return RunLog(
        config={**run.config, "run": dict(run.run)},
        history=() if (run.rows.status == "failed").any() else tuple(_frontier(run)),
        tables={"rows": run.rows, **tables},
        figures={f"figures/{path.stem}": path for path in sorted((folder / "figures").glob("*.png"))},
        page=folder / "report.html",
    )


def frontier_key(method: str) -> str:
    return f"frontier/{method}"


def records(table: pd.DataFrame) -> list[list[Any]]:
    """A table's cells as plain values, None where null."""
    return [[plain(value) for value in row] for row in table.itertuples(index=False)]


def plain(value: Any) -> Any:
    """A Python value; None for null, NaN and infinity."""
    if pd.isna(value) or (isinstance(value, float) and not np.isfinite(value)):
        return None
    return value.item() if isinstance(value, np.generic) else value


def _known(values: Mapping[str, Any]) -> Values:
    return {name: known for name, value in values.items() if (known := plain(value)) is not None}


def _history(rows: pd.DataFrame) -> Iterable[Values]:
    d = d_of(rows.kl.fillna(rows.kl_analytic))
    measured = rows.drop(columns=_IDENTITY)
    for values, place in zip(measured.to_dict("records"), d, strict=True):
        yield _known({**{str(name): value for name, value in values.items()}, D: place})


def _at_budgets(cell: Cell | None, budgets: Iterable[float]) -> Iterable[Values]:
    if cell is None:
        return
    for budget in budgets:
        value = value_at(cell.curve, budget)
        if value.defined:
            yield {BUDGET: budget} | _known(dict(zip(AT_BUDGET, (value.point, value.low, value.high), strict=True)))


def _peak(cell: Cell | None) -> Values:
    """The row that is best on the select prompts, as measured on the report prompts."""
    row = peak_row(cell.curve.gold_select) if cell else None
    if cell is None or row is None:
        return {}
    curve = cell.curve
    found = (curve.row_ids[row], curve.kl[row], curve.d[row], curve.gold[row], curve.proxy[row])
    return _known(dict(zip(PEAK, found, strict=True)))


def _samples(data: RunData, cell: Cell | None, budgets: Iterable[float]) -> pd.DataFrame:
    """One response to each of PROMPTS report prompts, at the row nearest each budget."""
    report = data.samples[data.samples.split == REPORT].drop_duplicates(["row_id", "prompt_id"])
    prompts = sorted(report.prompt_id.unique())[:PROMPTS]
    report = report[report.prompt_id.isin(prompts)].sort_values("prompt_id", kind="stable")
    parts = []
    for budget in budgets:
        row = nearest_row(cell.curve, budget) if cell else None
        if cell and row is not None:
            wanted = report.loc[report.row_id == cell.curve.row_ids[row], ["row_id", *_TEXTS]]
            parts.append(wanted.assign(budget=budget, kl=cell.curve.kl[row]))
    columns = ["budget", "kl", "row_id", *_TEXTS]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def _frontier(run: RunData) -> list[Values]:
    """Gold of each method at each budget as the report's figure has it, its setting chosen on the select prompts."""
    found: dict[float, Values] = {budget: {BUDGET: budget} for budget in run.budgets}
    for method, points in Analysis(run).frontiers.items():
        for point in points:
            found[point.budget][frontier_key(method)] = point.gold.point
    return [values for values in found.values() if len(values) > 1]

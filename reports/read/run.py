"""A run folder, read and grouped: rows, samples, stages and logs, and the cells as curves.

Nothing is computed here beyond grouping. `load` makes a `RunData`; `analysis` reads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.stats.curves import Curve
from reports.read.cell import Cell
from reports.read.kind import REFERENCE, Kind, kinds_of
from reports.read.logs import read_log
from reports.read.pool import prompt_means
from reports.read.writers import SCORERS

_SETTING = ["method", "beta", "proxy_name", "pairs_n"]


@dataclass(frozen=True, eq=False)
class RunData:
    """The contents of a run folder so far."""

    path: Path
    config: Mapping[str, Any]
    run: Mapping[str, Any]
    stages: Mapping[str, Mapping[str, Any]]
    rows: pd.DataFrame
    samples: pd.DataFrame
    pool: pd.DataFrame

    @cached_property
    def ok(self) -> pd.DataFrame:
        """Rows of evaluated policies, with `proxy_name` (the proxy without its replicate) and `setting`."""
        rows = self.rows[(self.rows.status == "ok") & self.rows.gold.notna()].copy()
        rows["proxy_name"] = rows.proxy_id.fillna("").str.replace(r"-r\d+$", "", regex=True)
        rows["setting"] = rows.groupby(_SETTING, dropna=False, sort=False).ngroup()
        return rows

    @property
    def bad(self) -> pd.DataFrame:
        return self.rows[self.rows.status != "ok"]

    @cached_property
    def cells(self) -> list[Cell]:
        """Cells with at least one evaluated policy, methods in the order that the suite declares."""
        order = {name: i for i, name in enumerate(self.config.get("methods", ()))}
        cells = [self._cell(str(name), rows) for name, rows in self.ok.groupby("cell", sort=False)]
        return sorted(
            cells, key=lambda c: (order.get(c.method, len(order)), c.method, c.proxy_name, c.beta, c.replicate)
        )

    @property
    def trained(self) -> list[Cell]:
        """Cells that are not pi_ref itself."""
        return [cell for cell in self.cells if cell.kind.does != REFERENCE]

    @cached_property
    def kinds(self) -> dict[str, Kind]:
        """The kind of each method, by its name."""
        types = self.rows.drop_duplicates("method").set_index("method").method_type
        return {name: Kind(name, str(kind)) for name, kind in types.fillna("").items()} | kinds_of(self.config)

    @property
    def controls(self) -> list[Cell]:
        return [cell for cell in self.trained if self.is_control(cell)]

    @property
    def compared(self) -> list[Cell]:
        return [cell for cell in self.trained if not self.is_control(cell)]

    def is_control(self, cell: Cell) -> bool:
        """True if the cell optimises gold itself, or a proxy fitted to permuted labels."""
        proxy = self.config.get("proxies", {}).get(cell.proxy_name, {})
        return cell.proxy_name == "gold" or proxy.get("labels") == "permuted"

    def replicates(self, cell: Cell) -> list[Cell]:
        """All replicates of the cell's setting that have rows, itself included, in order."""
        return [other for other in self.cells if other.setting == cell.setting]

    @property
    def settings(self) -> list[list[Cell]]:
        """The trained cells, one list of replicates a setting."""
        return [self.replicates(cell) for cell in self.trained if self.is_first(cell)]

    def is_first(self, cell: Cell) -> bool:
        """True for the first replicate of its setting, which figures and the page single out."""
        return cell.replicate == self._first_replicates[cell.setting]

    @cached_property
    def _first_replicates(self) -> dict[int, int]:
        firsts: dict[int, int] = {}
        for cell in self.cells:
            firsts[cell.setting] = min(cell.replicate, firsts.get(cell.setting, cell.replicate))
        return firsts

    @property
    def methods(self) -> list[str]:
        return list(dict.fromkeys(cell.method for cell in self.trained))

    @property
    def shown_kinds(self) -> list[Kind]:
        """The kinds of every method that has a cell, pi_ref included."""
        return [self.kinds[name] for name in dict.fromkeys(cell.method for cell in self.cells)]

    def proxies_of(self, method: str) -> list[str]:
        """The proxies that the method's cells have, replicates aside."""
        return list(dict.fromkeys(cell.proxy_name for cell in self.trained if cell.method == method))

    def several_proxies(self, method: str) -> bool:
        """True if the method's cells differ in their proxy."""
        return len(self.proxies_of(method)) > 1

    def log(self, cell: Cell) -> pd.DataFrame:
        """The cell's training log, read once; empty where there is none."""
        if cell.name not in self._logs:
            self._logs[cell.name] = read_log(self.path / "cells" / cell.name / "log.jsonl")
        return self._logs[cell.name]

    @cached_property
    def _logs(self) -> dict[str, pd.DataFrame]:
        return {}

    def metric(self, stage: str, name: str) -> float | None:
        """One finite number of a stage's metrics, or None."""
        value = self.stages.get(stage, {}).get("metrics", {}).get(name)
        finite = isinstance(value, int | float) and not isinstance(value, bool) and np.isfinite(value)
        return float(value) if finite else None

    @property
    def entropy(self) -> float | None:
        """Entropy of pi_ref in nats a sequence, where the reference stage is done."""
        return self.metric("reference", "entropy_nats")

    @property
    def budgets(self) -> tuple[float, ...]:
        return tuple(float(budget) for budget in self.config.get("budgets", ()))

    def declared_kl(self, cell: Cell) -> float | None:
        """The KL at which falls are measured unless a claim declares another (nats).

        The last budget up to pi_ref's entropy; for best-of-n the analytic KL of the largest n.
        """
        if cell.best_of_n:
            return float(cell.rows.kl_analytic.max())
        inside = [b for b in self.budgets if self.entropy is None or b <= self.entropy]
        return max(inside) if inside else None

    @cached_property
    def _means(self) -> pd.DataFrame:
        """Prompt means on the report split, indexed by row and prompt."""
        return self._split_means("report", ["proxy", "kl", *SCORERS.values()])

    @cached_property
    def _select_means(self) -> pd.DataFrame:
        return self._split_means("select", list(SCORERS.values()))

    def _split_means(self, split: str, scores: list[str]) -> pd.DataFrame:
        kept = [score for score in scores if score in self.samples]
        some = self.samples.loc[self.samples.split == split, ["row_id", "prompt_id", *kept]]
        return some.groupby(["row_id", "prompt_id"], sort=False)[kept].mean()

    def scored_by(self, cell: Cell, scorer: str) -> Curve:
        """The cell's curve with one of SCORERS in gold's place, on the select prompts too."""
        if scorer == "gold":
            return cell.curve
        curve, column = cell.curve, SCORERS[scorer]
        report = self._means[column][self._means.index.get_level_values("row_id").isin(curve.row_ids)]
        select = self._select_means[column].groupby(level="row_id", sort=False).mean()
        return replace(
            curve,
            gold=cell.rows[column].to_numpy(dtype=float),
            gold_se=cell.rows[f"{column}_se"].to_numpy(dtype=float),
            gold_select=select.reindex(curve.row_ids).to_numpy(dtype=float),
            gold_RP=report.unstack("prompt_id").reindex(curve.row_ids).to_numpy(dtype=float),
        )

    def _cell(self, name: str, rows: pd.DataFrame) -> Cell:
        by = "n" if rows.n.notna().all() else "kl"
        rows = rows.sort_values([by, "step"], kind="stable").reset_index(drop=True)
        first = rows.iloc[0]
        return Cell(
            name=name,
            method=str(first.method),
            kind=self.kinds[str(first.method)],
            beta=float(first.beta) if pd.notna(first.beta) else float("nan"),
            proxy_name=str(first.proxy_name),
            replicate=int(first.replicate) if pd.notna(first.replicate) else 0,
            setting=int(first.setting),
            curve=self._curve(name, rows),
            rows=rows,
        )

    def _curve(self, name: str, rows: pd.DataFrame) -> Curve:
        ids = tuple(rows.row_id)
        columns = ["gold", "gold_se", "proxy", "kl_se", "kl_select", "gold_select"]
        numbers = {column: rows[column].to_numpy(dtype=float) for column in columns}
        present = self._means.index.get_level_values("row_id").isin(ids)
        means = self._means[present]
        wide = {c: means[c].unstack("prompt_id").reindex(ids) for c in ("gold", "proxy", "kl")}
        kl = rows.kl.fillna(rows.kl_analytic).to_numpy(dtype=float)
        matrices = {f"{c}_RP": table.to_numpy(dtype=float) for c, table in wide.items()}
        if rows.n.notna().all():
            exact = prompt_means(self.pool, rows, list(wide["gold"].columns)) or {}
            matrices |= {f"{c}_RP": values for c, values in exact.items()}
            matrices["kl_RP"] = np.broadcast_to(kl[:, None], matrices["gold_RP"].shape)  # not of the samples
        return Curve(cell=name, row_ids=ids, kl=kl, **numbers, **matrices, prompt_ids=tuple(wide["gold"].columns))

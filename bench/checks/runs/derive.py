"""Rows made again from what is stored behind them: a policy's from its samples, best-of-n's from its pool."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from bench.checks.runs.checked_run import CheckedRun, Manifest
from bench.checks.runs.finding import Check, Track, abbreviated
from bench.core.records import read_parquet
from bench.core.types import Sequences
from bench.measure.evaluate import row_of
from bench.measure.scoring import Scoring
from bench.pipeline import bon
from bench.pipeline.scoring import Measurement

TOLERANCE = 1e-9
"""Absolute, and relative to the value. The same float64 sums; raw scores are recovered from standard ones, which costs
their last digits (1e-13)."""

Rows = Mapping[str, Mapping[str, Any]]


def check_rows(checked_run: CheckedRun, track: Track) -> Check:
    """Every row of a measured policy: each column that its samples or its config decide."""
    check, rows, numbers = Check("rows from samples"), 0, 0
    for cell, manifest in track(list(checked_run.sound_cells.items())):
        measurement = checked_run.measurement(manifest)
        table = read_parquet(checked_run.folder(manifest) / "rows.parquet")
        table = table[table["status"] == "ok"]
        by_pool = manifest["kind"] == "bon"
        made = (
            _from_pool(checked_run, manifest, measurement, table)
            if by_pool
            else _from_samples(checked_run, manifest, measurement)
        )
        for _, row in table.iterrows():
            row_id = f"n{row['n']}" if by_pool else str(row["step"])
            wanted = {"row_id": row_id, **measurement.columns, **made.get(row["row_id"], {})}
            for column, value in wanted.items():
                if not _same(row.get(column), value):
                    check.find(
                        f"{cell}@{row['row_id']} {column}",
                        f"is {abbreviated(row.get(column))}, made again {abbreviated(value)}",
                    )
            if row["row_id"] not in made:
                check.find(f"{cell}@{row['row_id']}", "has no samples")
            rows, numbers = rows + 1, numbers + len(wanted)
    check.checked = f"{numbers} values of {rows} rows"
    return check


def _same(stored: Any, made: Any) -> bool:
    if pd.isna(stored) or pd.isna(made):
        return bool(pd.isna(stored) and pd.isna(made))
    if isinstance(made, str):
        return bool(stored == made)
    return math.isclose(float(stored), float(made), rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def _from_samples(checked_run: CheckedRun, manifest: Manifest, measurement: Measurement) -> Rows:
    """The columns of each row, by row id. Entropy is not among them: samples do not hold it."""
    samples = read_parquet(checked_run.folder(manifest) / "samples.parquet")
    made = {}
    for row_id, row_samples in samples.groupby("row_id", sort=False):
        row = row_of(completed(row_samples.reset_index(drop=True), measurement.scoring))
        del row["entropy"]
        made[str(row_id)] = row
    return made


def completed(samples: pd.DataFrame, scoring: Scoring) -> pd.DataFrame:
    """Stored samples of one row with the columns that `row_of` takes besides, as far as they follow from these."""
    table = samples.astype({"n_tokens": int, "eos": bool})
    ids = table["prompt_id"].to_numpy(str)
    for name, reward in (("gold", scoring.gold), ("proxy", scoring.proxy)):
        table[f"{name}_raw"] = reward.unstandard(table[name].to_numpy(float), ids)
    table["proxy_z"] = scoring.proxy.z(table["proxy_raw"].to_numpy(), ids)
    table["win"] = scoring.wins(table)
    return table.assign(entropy=np.nan)


def _from_pool(checked_run: CheckedRun, manifest: Manifest, measurement: Measurement, table: pd.DataFrame) -> Rows:
    """Best-of-n's columns at each n, from the pool's texts and the proxy's stored scores of them."""
    context = checked_run.context(manifest)
    stored = read_parquet(checked_run.folder(manifest) / "bon_pool.parquet").drop_duplicates("text_id")
    recorded = _Recorded(torch.from_numpy(stored["proxy_raw"].to_numpy(float).copy()))
    scoring = replace(measurement.scoring, proxy=replace(measurement.scoring.proxy, score=recorded))
    pool = bon.score_pool(
        read_parquet(context.inputs["pool"] / "samples.parquet"), replace(measurement, scoring=scoring), context
    )
    return {f"n{n}": bon.row_of(pool, int(n)) for n in table["n"]}


@dataclass
class _Recorded:
    """Returns the stored scores of the proxy. `score_pool` scores each distinct text once, in the pool's order."""

    scores: Float[Tensor, " N"]
    read: int = 0

    def __call__(self, sequences: Sequences) -> Float[Tensor, " B"]:
        self.read += len(sequences)
        return self.scores[self.read - len(sequences) : self.read]

"""Reads a run folder. While a run is under way anything may be missing: a missing part is empty, never an error.

Every page, the facts and the W&B log begin with `load`.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from bench.core.records import POOL_COLUMNS, ROW_COLUMNS, SAMPLE_COLUMNS, frame, named, read_table
from reports.read.run import RunData
from reports.read.writers import with_writers


def load(folder: Path, identity: Mapping[str, Any] | None = None) -> RunData:
    """Read what `folder` holds: a run, or the stage of the cell whose names are `identity`."""
    config, stages = _json(folder / "config.json"), _json(folder / "stages.json")
    config = config.get("suite", config) if isinstance(config.get("suite"), dict) else config
    rows, samples = _table(folder / "rows.parquet", ROW_COLUMNS), _table(folder / "samples.parquet", SAMPLE_COLUMNS)
    if identity:
        rows, samples = named(rows, identity, ROW_COLUMNS), named(samples, identity, SAMPLE_COLUMNS)
    rows, samples = with_writers(config, stages, rows, samples)
    pool = _table(folder / "bon_pool.parquet", POOL_COLUMNS)
    return RunData(folder, config, _json(folder / "run.json"), stages, rows, samples, pool)


def _json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _table(path: Path, columns: Mapping[str, Any]) -> pd.DataFrame:
    return read_table(path, columns) if path.exists() else frame([], columns)

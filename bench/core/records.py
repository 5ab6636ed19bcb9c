"""Schema of rows and samples: the contract with reports and other programs.

A row is one evaluated policy. Rows hold no timings: the same inputs give the same bytes.
A value that could not be computed is null, never 0, and `reason` says why.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from bench.core.schema import BOOL, FLOAT, INT, POOL, ROWS, SAMPLES, TEXT, TEXTS
from bench.errors import ConfigError

SCHEMA_VERSION = 2

REPORT, SELECT = "report", "select"  # the splits that policies are measured on

ROW_COLUMNS, SAMPLE_COLUMNS, POOL_COLUMNS, TEXT_COLUMNS = (
    {name: column.type for name, column in table.items()} for table in (ROWS, SAMPLES, POOL, TEXTS)
)
"""Types by column; `schema` has their units and meanings."""
POOL_TEXTS = "pool_texts.parquet"
TABLES: Mapping[str, Mapping[str, pa.DataType]] = {
    "rows.parquet": ROW_COLUMNS,
    "samples.parquet": SAMPLE_COLUMNS,
    "bon_pool.parquet": POOL_COLUMNS,
    POOL_TEXTS: TEXT_COLUMNS,
}
"""The tables of a run folder: those that its cells' are put together to, and the texts of the pool."""


def frame(records: Sequence[Mapping[str, Any]] | pd.DataFrame, columns: Mapping[str, pa.DataType]) -> pd.DataFrame:
    """Records as a DataFrame with every column of `columns`, typed and in order. `rubric_<part>` follow `rubric*`.

    Absent values become null. Raises KeyError for a key that is neither in `columns` nor a `rubric_<part>`.
    """
    table = pd.DataFrame(records)
    parts = sorted(c for c in table.columns if c.startswith("rubric_") and c not in columns)
    unknown = set(table.columns) - set(columns) - set(parts)
    if unknown:
        raise KeyError(f"unknown columns {sorted(unknown)}; choose from {', '.join(columns)}, or rubric_<part>")
    names = list(columns)
    after = max((i for i, name in enumerate(names) if name.startswith("rubric")), default=len(names) - 1) + 1
    ordered = names[:after] + parts + names[after:]
    types = {**columns, **dict.fromkeys(parts, FLOAT)}
    arrow = {"string": "string", "int64": "Int64", "double": "float64", "bool": "boolean"}
    return pd.DataFrame(
        {name: pd.Series(table.get(name, None), index=table.index, dtype=arrow[str(types[name])]) for name in ordered}
    )


def named(table: pd.DataFrame, identity: Mapping[str, Any], columns: Mapping[str, pa.DataType]) -> pd.DataFrame:
    """A stage's table with the columns that only a plan knows: the cell's names, seeds, sampler, loss and beta.

    A stage's `row_id` holds what follows `<cell>@`.
    """
    known = {name: value for name, value in identity.items() if name in columns}
    if "row_id" in columns:
        known["row_id"] = f"{identity['cell']}@" + table["row_id"].astype(str)
    return frame(table.assign(**known), columns)


def pool_texts(pool: pd.DataFrame) -> pd.DataFrame:
    """The distinct texts of a pool of samples: what the `text_id` of its scores names."""
    return frame(pool.drop_duplicates("text_id")[list(TEXT_COLUMNS)].reset_index(drop=True), TEXT_COLUMNS)


def write_parquet(table: pd.DataFrame, path: Path) -> None:
    """Write a table so that equal tables give equal bytes."""
    pq.write_table(pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None), path)


def read_parquet(path: Path) -> pd.DataFrame:
    """Read a table, with missing integers and booleans kept as nulls. Raises ConfigError for a damaged file."""
    try:
        table = pq.read_table(path)
    except pa.ArrowException as error:
        raise ConfigError(
            f"{path} is damaged: it is not a whole Parquet file; delete it and give the run's command again"
        ) from error
    return table.to_pandas(
        types_mapper={
            INT: pd.Int64Dtype(),
            BOOL: pd.BooleanDtype(),
            TEXT: pd.StringDtype(),
            pa.large_string(): pd.StringDtype(),
        }.get
    )


def read_table(path: Path, columns: Mapping[str, pa.DataType]) -> pd.DataFrame:
    """Read a table of a run. Raises ConfigError where it is damaged, or lacks a column of this schema."""
    table = read_parquet(path)
    if absent := [name for name in columns if name not in table]:
        raise ConfigError(
            f"{path} has no column {', '.join(absent)}, which schema {SCHEMA_VERSION} has; give the run's command "
            "again, or read it with the version that wrote it"
        )
    return table

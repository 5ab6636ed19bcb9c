"""The run folder's tables against the cells' tables: every value, exactly."""

from collections.abc import Iterator, Mapping

import pandas as pd
import pyarrow as pa

from bench.checks.runs.checked_run import CheckedRun
from bench.checks.runs.finding import Check, Track, abbreviated, counted
from bench.core.records import (
    POOL_TEXTS,
    ROW_COLUMNS,
    SCHEMA_VERSION,
    TABLES,
    frame,
    named,
    pool_texts,
    read_parquet,
)
from bench.errors import ConfigError

_ROW_NAMES = {
    "rows.parquet": ["row_id"],
    "samples.parquet": ["row_id"],
    "bon_pool.parquet": ["proxy_id", "prompt_id", "sample_id"],
    POOL_TEXTS: ["text_id"],
}
"""Columns that name a row. Rows of equal name are numbered in their order."""
_NAMED = 8  # mismatches of one table that are listed one by one


def check_tables(checked_run: CheckedRun, track: Track) -> Check:
    """The run's tables: the finished cells' in the plan's order, a null row for each failure, and the pool's texts."""
    check, sizes = Check("tables of the run"), []
    for file, columns in track(list(TABLES.items())):
        try:
            found = read_parquet(checked_run.run.path / file)
        except (OSError, ConfigError) as error:
            check.find(file, f"cannot be read: {type(error.__cause__ or error).__name__}")
            checked_run.damaged.add(file)
            continue
        if absent := set(columns) - set(found.columns):
            check.find(file, f"has lost columns: {', '.join(sorted(absent))}")
            checked_run.damaged.add(file)
            continue
        sizes.append(f"{len(found)} {file.removesuffix('.parquet')}")
        compared, stored = found, _stored(checked_run, file, columns)
        if left_out := set(checked_run.plan.cells) - set(checked_run.stored_cells):
            check.note = f"{counted(len(left_out), 'cell', 'cells')} left out"
            if "row_id" not in found.columns:
                continue  # rows of the pool do not name their cell
            compared = found[~found["row_id"].str.rpartition("@")[0].isin(left_out)].reset_index(drop=True)
            common = [c for c in compared.columns if c in stored.columns]  # a part may be of those cells alone
            compared, stored = compared[common], stored[common]
        for where, what in _differences(compared, stored, _ROW_NAMES[file]):
            check.find(f"{file} {where}".strip(), what)
        if file == "rows.parquet":
            for row_id in found.loc[found["row_id"].duplicated(), "row_id"].unique():
                check.find(f"{file} {row_id}", "names more than one row; every row_id is unique")
            _null_rows(checked_run, found, check)
    check.checked = ", ".join(sizes)
    return check


def _stored(checked_run: CheckedRun, file: str, columns: Mapping[str, pa.DataType]) -> pd.DataFrame:
    """The table that the run folder should hold for its stored cells."""
    if file == POOL_TEXTS:
        pools = [
            manifest["inputs"]["pool"] for manifest in checked_run.stored_cells.values() if manifest["kind"] == "bon"
        ]
        pool = checked_run.folder(checked_run.by_key[pools[0]]) / "samples.parquet" if pools else None
        return frame([], columns) if pool is None else pool_texts(read_parquet(pool))
    paths = {cell: checked_run.folder(manifest) / file for cell, manifest in checked_run.stored_cells.items()}
    cells = checked_run.plan.cells
    tables = {cell: read_parquet(path) for cell, path in paths.items() if path.is_file()}
    parts = [named(table, cells[cell].identity, columns) for cell, table in tables.items()]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    if columns is ROW_COLUMNS:
        table = table.assign(schema=SCHEMA_VERSION, suite=checked_run.plan.suite.name)
    return frame(table, columns)


def _null_rows(checked_run: CheckedRun, found: pd.DataFrame, check: Check) -> None:
    """A cell that failed has one row that says so, with run.json's reason."""
    reasons = dict(zip(found["row_id"], found["reason"], strict=True))
    for name, failure in checked_run.run.run["failures"].items():
        cell = next((c for c, planned in checked_run.plan.cells.items() if planned.stage.name == name), None)
        row_id = f"{cell}@{failure['status']}"
        if cell is not None and reasons.get(row_id) != failure["reason"]:
            check.find(f"rows.parquet {row_id}", f"does not say why the cell {failure['status']}: {failure['reason']}")


def _differences(found: pd.DataFrame, stored: pd.DataFrame, names: list[str]) -> Iterator[tuple[str, str]]:
    """Where two tables differ: rows by name, then values by column; the first few of them, and how many more."""
    if list(found.columns) != list(stored.columns):
        odd = sorted(set(found.columns) ^ set(stored.columns))
        yield "", f"has other columns than the cells' tables: {', '.join(odd) or 'another order'}"
        return
    if found.equals(stored):
        return
    count = 0
    for count, difference in enumerate(_by_name(_keyed(found, names), _keyed(stored, names)), 1):
        if count <= _NAMED:
            yield difference
    if count == 0:
        yield "", "has the cells' rows in another order"
    elif count > _NAMED:
        yield "", f"differs in {count - _NAMED} more places"


def _keyed(table: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """The table indexed by the columns that name a row, and a count of rows of that name."""
    return table.assign(at=table.groupby(names, dropna=False).cumcount()).set_index([*names, "at"])


def _by_name(found: pd.DataFrame, stored: pd.DataFrame) -> Iterator[tuple[str, str]]:
    for row in stored.index.difference(found.index, sort=False):
        yield _name(row), "is missing"
    for row in found.index.difference(stored.index, sort=False):
        yield _name(row), "is in no cell's table"
    common = stored.index.intersection(found.index, sort=False)
    here, there = found.loc[common], stored.loc[common]
    for column in stored.columns:
        same = (here[column] == there[column]).fillna(False) | (here[column].isna() & there[column].isna())
        for row in common[~same.to_numpy(bool)]:
            yield (
                f"{_name(row)} {column}",
                f"is {abbreviated(here.at[row, column])}, stored {abbreviated(there.at[row, column])}",
            )


def _name(row: tuple[object, ...]) -> str:
    """A row's name; its place among rows of that name where it is not the first."""
    *names, at = map(str, row)
    return " ".join(names) + (f" #{at}" if at != "0" else "")

"""A run folder: a view of the store, assembled for people and programs. Losing it loses nothing.

`bench run` calls `RunFolder.assemble` as cells finish and at the end; `load_run` is the way back in.
The report's own files (report.html, figures, tables) are written by `reports`.
"""

import contextlib
import functools
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from filelock import FileLock

from bench.config.explain import one_line
from bench.core.records import (
    POOL_COLUMNS,
    POOL_TEXTS,
    ROW_COLUMNS,
    SAMPLE_COLUMNS,
    SCHEMA_VERSION,
    TABLES,
    TEXT_COLUMNS,
    frame,
    named,
    pool_texts,
    read_parquet,
    read_table,
    write_parquet,
)
from bench.engine.files import read_json, write_json
from bench.engine.machine import distinct_machines
from bench.engine.provenance import code_hash, environment
from bench.engine.rebuild import contents_of, digest, make_once
from bench.engine.scheduler import Failure
from bench.engine.store import Store
from bench.errors import ConfigError
from bench.pipeline.plan import Cell, Plan, plan_stages
from bench.runs.mirror import mirror, replace
from bench.runs.users import register

_OWN = {*TABLES, "config.json", "run.json", "stages.json"}


@dataclass(frozen=True)
class RunFolder:
    """The folder `out` of one run of `plan`."""

    plan: Plan
    store: Store
    out: Path
    command: str

    def check(self) -> None:
        """Raises ConfigError when `out` cannot be written to, or holds something that is not a run, begun or whole."""
        strangers = [path for path in _listed(self.out) if path.name not in _OWN and not path.name.startswith(".")]
        if strangers and not _is_run(self.out):
            raise ConfigError(f"out={self.out} exists and is not a run folder; give an empty folder, or another name")
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=self.out).close()
        except OSError as error:
            reason = error.strerror or error
            raise ConfigError(f"out={self.out} cannot be written to ({reason}); give another folder") from None

    def lock(self) -> FileLock:
        """The lock of the process that writes into `out`, which two runs may share. Freed if that process dies."""
        return FileLock(self.out / ".lock")

    def assemble(self, failures: Mapping[str, Failure], *, over: bool, stopped: bool = False) -> str:
        """Write all results so far, and return the run's state: running, stopped, failed or done.

        Each file is replaced in one step. Failures are by stage key.
        """
        self.out.mkdir(parents=True, exist_ok=True)
        with self.lock():
            if self.store.root.is_dir():
                register(self.store.root, self.out)
            return self._assemble(failures, "stopped" if stopped else "over" if over else "running")

    def mark(self, state: str) -> None:
        """Set the state of a run that cannot be assembled any more, as far as the disk lets it."""
        with contextlib.suppress(OSError, ValueError), self.lock():
            write_json(self.out / "run.json", {**read_json(self.out / "run.json"), "state": state})

    def _assemble(self, failures: Mapping[str, Failure], state: str) -> str:
        manifests = {s.name: self.store.manifest(s) for s in plan_stages(self.plan) if self.store.is_done(s)}
        done = [cell for cell in self.plan.cells.values() if cell.stage.name in manifests]
        before = self._content()
        write_json(self.out / "config.json", self.plan.suite.model_dump(mode="json"))
        write_json(self.out / "stages.json", manifests)
        self._write_tables(done, failures)
        for cell in done:
            mirror(self.store.path(cell.training or cell.stage), self.out / "cells" / cell.name)
        if state == "over":
            sound = len(done) == len(self.plan.cells) and not failures and bad_rows(self.out).empty
            state = "done" if sound else "failed"
        run = {
            "schema": SCHEMA_VERSION,
            "state": state,
            "suite": self.plan.suite.name,
            "command": self.command,
            "store": str(self.store.root.resolve()),
            "device": ", ".join(sorted({m["device"] for m in manifests.values()})) or None,
            "machines": distinct_machines(manifests.values()),
            "failures": {f.name: {"status": f.status, "reason": f.reason} for f in failures.values()},
            **self._environment,
        }
        updated = self._updated(run, self._content() == before)
        write_json(self.out / "run.json", {**run, "updated": updated})
        return state

    def _updated(self, run: Mapping[str, Any], same: bool) -> str:
        """The time of the last change to the run folder, its state apart."""
        try:
            known = read_json(self.out / "run.json")
            if same and {**known, **run} == {**known, "state": run["state"]}:
                return str(known["updated"])
        except (OSError, ValueError, TypeError, KeyError):
            pass  # no run.json, or one of another program
        return datetime.now(UTC).isoformat(timespec="seconds")

    def _content(self) -> str:
        """A hash of the files that describe the run folder's cells."""
        return digest([self.out / name for name in _OWN - {"run.json"}], self.out)

    @cached_property
    def _environment(self) -> dict[str, Any]:
        return environment()

    def _write_tables(self, done: Sequence[Cell], failures: Mapping[str, Failure]) -> None:
        """Write every table, unless the tables of these cells are there already."""

        def write() -> None:
            for name, columns in TABLES.items():
                table = self._texts(done) if name == POOL_TEXTS else self._table(name, columns, failures)
                replace(self.out / name, functools.partial(write_parquet, table))

        if failures:  # whose tables a killed or a later attempt may change
            write()
        else:
            words = [self.plan.suite.name, code_hash(__name__), pa.__version__, pd.__version__]
            contents = (f"{cell.name} {contents_of(self.store.manifest(cell.stage))}" for cell in done)
            made_of = digest([], self.out, [*words, *contents])
            make_once(self.out / ".tables.json", made_of, lambda: [self.out / name for name in TABLES], write)

    def _texts(self, done: Sequence[Cell]) -> pd.DataFrame:
        """The texts of the pool that best-of-n cells picked from; empty without such a cell."""
        pools = (self.store.path(cell.stage.inputs["pool"]) for cell in done if "pool" in cell.stage.inputs)
        pool = next(pools, None)
        return frame([], TEXT_COLUMNS) if pool is None else pool_texts(read_parquet(pool / "samples.parquet"))

    def _table(self, name: str, columns: Mapping[str, pa.DataType], failures: Mapping[str, Failure]) -> pd.DataFrame:
        """One table of every cell, in the plan's order."""
        parts = []
        for cell in self.plan.cells.values():
            failure = failures.get(cell.stage.key)
            folder = self.store.path(cell.stage) if failure is None else self.store.work(cell.stage)
            if (folder / name).is_file():
                parts.append(named(read_parquet(folder / name), cell.identity, columns))
            if failure is not None and columns is ROW_COLUMNS:
                parts.append(frame([_null_row(cell, failure)], columns))
        table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
        if columns is ROW_COLUMNS:
            table = table.assign(schema=SCHEMA_VERSION, suite=self.plan.suite.name)
        return frame(table, columns)


@dataclass(frozen=True, eq=False)
class Run:
    """A run folder, read. Tables are read on first use."""

    path: Path
    config: dict[str, Any]
    stages: dict[str, dict[str, Any]]
    run: dict[str, Any]

    @cached_property
    def rows(self) -> pd.DataFrame:
        """One row per evaluated policy."""
        return read_table(self.path / "rows.parquet", ROW_COLUMNS)

    @cached_property
    def samples(self) -> pd.DataFrame:
        """The texts behind the rows."""
        return read_table(self.path / "samples.parquet", SAMPLE_COLUMNS)

    @cached_property
    def pool(self) -> pd.DataFrame:
        """Raw scores of every sample that best-of-n picked from, one row a proxy and sample."""
        return read_table(self.path / "bon_pool.parquet", POOL_COLUMNS)

    @cached_property
    def pool_texts(self) -> pd.DataFrame:
        """The texts that `text_id` names in `pool`."""
        return read_table(self.path / POOL_TEXTS, TEXT_COLUMNS)


def load_run(path: str | Path) -> Run:
    """Open a run folder. Raises ConfigError if `path` is not one."""
    folder = Path(path)
    if not _is_run(folder):
        raise ConfigError(f"{str(path)!r} is not a run folder; give one of `bench run`, such as runs/<suite>-<key>")
    config, stages, run = (_object(folder / name) for name in ("config.json", "stages.json", "run.json"))
    return Run(folder, config, stages, run)


def _object(path: Path) -> dict[str, Any]:
    """The JSON object in one of a run's files. Raises ConfigError where there is none."""
    renew = "give the run's command again, which renews it"
    try:
        value = read_json(path)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read ({one_line(error)}); {renew}") from None
    if not isinstance(value, dict):
        raise ConfigError(f"{path} holds a {type(value).__name__}; {renew}")
    return value


def bad_rows(folder: Path) -> pd.DataFrame:
    """Rows of cells that failed or diverged: cell, status, reason."""
    rows = read_parquet(folder / "rows.parquet")
    return rows.loc[rows["status"] != "ok", ["cell", "status", "reason"]]


def _is_run(folder: Path) -> bool:
    return (folder / "run.json").is_file() and (folder / "config.json").is_file()


def _listed(path: Path) -> Sequence[Path]:
    return list(path.iterdir()) if path.is_dir() else [path] if path.exists() else []


def _null_row(cell: Cell, failure: Failure) -> dict[str, Any]:
    identity = {"row_id": f"{cell.name}@{failure.status}", "cell": cell.name, "method": cell.method}
    return {**cell.identity, **identity, "status": failure.status, "reason": failure.reason}

"""The child of `sink`: everything that calls wandb while a run is logged.

One W&B run a finished cell and one for the whole, all in the run folder's group. Ids are made of stage keys and rows,
and what was logged is marked in the run folder, so that a resumed run logs nothing twice. What is logged is `log`'s.
"""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

from bench.engine.rebuild import digest

PROJECT = "goldbench"  # unless $WANDB_PROJECT says otherwise
OPEN_S, FINISH_S = 30, 120  # how long W&B's server may take to open a run, and to take what is left of one
_SETTINGS = {
    "console": "off",
    "silent": True,
    "symlink": False,
    "save_code": False,
    "disable_code": True,
    "disable_git": True,
    "disable_job_creation": True,
    "x_disable_stats": True,
    "x_disable_meta": True,
    "x_disable_machine_info": True,
    "x_save_requirements": False,
    "init_timeout": OPEN_S,
    "finish_timeout": FINISH_S,
    "finish_timeout_raises": True,
}


def group_of(out: Path, content: str) -> str:
    """The W&B group of a run: its folder's name, with the suite's hash unless it ends with that."""
    name = out.resolve().name
    return name if name.endswith(content) else f"{name}-{content}"


@dataclass(frozen=True)
class Job:
    """A cell to log once it is there: its stage's key and folder, and the names that its rows get in the run."""

    key: str
    folder: Path
    identity: Mapping[str, Any] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """The stage's key and a hash of its rows: made on another machine, one key may hold other rows."""
        tables = [self.folder / name for name in ("rows.parquet", "samples.parquet")]
        return f"{self.key}-{digest(tables, self.folder)[:8]}"


@dataclass(frozen=True)
class Target:
    """The destination of a run's log, and the run's cells by name."""

    mode: Literal["disabled", "offline", "online"]
    out: Path
    suite: str
    budgets: tuple[float, ...]
    cells: Mapping[str, Job]
    content: str  # a hash of the resolved suite

    @property
    def group(self) -> str:
        return group_of(self.out, self.content)

    def id(self, key: str) -> str:
        """The W&B id of a stage's key and rows in this run. Two suites share none, whatever their folders are called.

        A cell that two suites share stands in the group of each. A run that was moved keeps its ids.
        """
        return f"{key}-{self.content}"


def serve(connection: Connection, target: Target) -> None:
    """The child's loop. A list logs cells, None the run; each is answered by a reason, empty where all went well."""
    os.setsid()  # Ctrl-C is the parent's to handle; it would end wandb's own service too
    try:
        _prepare(target)
        session = Session(target)
    except Exception as error:
        connection.send((_reason(error), ""))
        return
    connection.send(("", session.place))
    with contextlib.suppress(EOFError, BrokenPipeError):  # the parent has gone
        while (names := connection.recv()) is not None:
            for name in names:
                connection.send(_attempt(partial(session.cell, name), name))
        connection.send(_attempt(session.run, "the run as a whole"))


def _attempt(log: Callable[[], None], what: str) -> str:
    """The reason why `what` was not logged, or an empty text. The one place that catches failures of W&B."""
    try:
        log()
    except Exception as error:
        return f"{what}: {_reason(error)}"
    return ""


def _reason(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _prepare(target: Target) -> None:
    """Keep all that wandb writes in the run folder, and what it prints away from the display."""
    folder = (target.out / "wandb").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("WANDB_DATA_DIR", str(folder / "data"))  # tables wait here until they are synced
    os.environ["WANDB_ERROR_REPORTING"] = "false"
    with (folder / "printed.log").open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)


class Session:
    """The child's side of W&B. The run's own W&B run is open throughout, which proves that W&B can be written to."""

    def __init__(self, target: Target) -> None:
        import wandb

        self.wandb, self.target, self.folder = wandb, target, (target.out / "wandb").resolve()
        self.whole = self._open("run", name=target.out.resolve().name, job_type="run", tags=[target.suite])
        here = target.out / "wandb"
        self.place = self.whole.url if target.mode == "online" else f"{here}; upload: wandb sync {here}/offline-run-*"

    def _open(self, key: str, **options: Any) -> Any:
        """A W&B run; files of an earlier attempt are removed."""
        run_id = self.target.id(key)
        run = self.wandb.init(
            project=os.environ.get("WANDB_PROJECT") or PROJECT,
            dir=str(self.folder.parent),
            id=run_id,
            group=self.target.group,
            mode=self.target.mode,
            resume="allow",
            reinit="create_new",
            settings=self.wandb.Settings(**_SETTINGS),
            **options,
        )
        for left in self.folder.glob(f"*run-*-{run_id}"):
            if left != Path(run.dir).parent:
                shutil.rmtree(left)
        if self.target.mode == "offline":
            self._marker(key).unlink(missing_ok=True)
        return run

    def cell(self, name: str) -> None:
        """Log a cell, unless it was logged. Online, an interrupted one continues at the step that W&B has not."""
        from reports.wandb.log import AXES, cell_log

        job = self.target.cells[name]
        if self._marker(place := job.place).exists():
            return
        log = cell_log(job.folder, self.target.suite, self.target.budgets, job.identity)
        with self._open(place, name=name, job_type="cell", tags=log.tags, config=log.config) as run:
            for axis in AXES:
                run.define_metric(axis)
            for key, axis in log.axes.items():
                run.define_metric(key, step_metric=axis, step_sync=False)
            begun, last = run.step, len(log.history) - 1
            for step, values in list(enumerate(log.history))[begun:]:
                run.log(values | ({"samples": self._table(log.samples)} if step == last else {}), step=step)
            run.summary.update(log.summary)
        self._marker(place).touch()

    def _marker(self, key: str) -> Path:
        """The file that marks a stage and its rows as logged in this mode."""
        return self.folder / f"logged-{self.target.mode}-{self.target.id(key)}"

    def run(self) -> None:
        """Log the run as a whole, unless W&B has just that already."""
        from reports.wandb.log import BUDGET, frontier_key, run_log

        rows, marker = hashlib.sha256((self.target.out / "rows.parquet").read_bytes()).hexdigest(), self._marker("run")
        if marker.exists() and marker.read_text() == rows:
            self.whole.finish()
            return
        log = run_log(self.target.out)
        with self.whole as run:
            run.config.update(log.config)
            run.define_metric(BUDGET)
            run.define_metric(frontier_key("*"), step_metric=BUDGET, step_sync=False)
            media = {name: self.wandb.Image(str(path)) for name, path in log.figures.items()}
            tables = {name: self._table(table) for name, table in log.tables.items()}
            run.log({**media, **tables, "report": self.wandb.Html(log.page.read_text(encoding="utf-8"), inject=False)})
            frontier = self._marker("frontier")
            if log.history and (self.target.mode == "offline" or not frontier.exists()):
                frontier.touch()
                for values in log.history:
                    run.log(values)
        marker.write_text(rows)

    def _table(self, table: Any) -> Any:
        from reports.wandb.log import records

        return self.wandb.Table(columns=list(table.columns), data=records(table), allow_mixed_types=True)

"""All checks of a finished run: a table of what was checked, and every mismatch with its place.

`bench verify` calls `verify`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from json import JSONDecodeError
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from transformers.utils.logging import disable_progress_bar

from bench.checks.runs.checked_run import CheckedRun
from bench.checks.runs.derive import check_rows
from bench.checks.runs.files import check_cells, check_stages
from bench.checks.runs.finding import Check, Finding, Track, counted
from bench.checks.runs.pages import check_report
from bench.checks.runs.remeasure import check_policy
from bench.checks.runs.rescore import check_scores
from bench.checks.runs.tables import check_tables
from bench.errors import ConfigError
from bench.runs.folder import load_run


@dataclass(frozen=True)
class Sample:
    """Size of the costly checks: the share of each row's samples to score. `seed` chooses these and the policy."""

    share: float = 0.02
    seed: int = 0


def verify(run: str, store: Path | None, sample: Sample) -> int:
    """Check a run folder and its stages. Returns 1 if a check finds a mismatch, else 0."""
    checked_run = open_run(run, store)
    checks = run_checks(checked_run, sample)
    console = Console(highlight=False, soft_wrap=True)
    console.print(_table(checks))
    findings = [finding for check in checks for finding in check.findings]
    for finding in findings:
        console.print(f"MISMATCH {finding.where}: {finding.what}", markup=False)
    if other := _made_by_other_code(checked_run):
        console.print(f"note: {other} stages were made by other code, libraries or threads than those installed")
    print(f"{run}: {_mismatches(findings) if findings else 'nothing is out of place'}")
    return 1 if findings else 0


def _mismatches(findings: list[Finding]) -> str:
    return counted(len(findings), "mismatch", "mismatches")


def open_run(run: str, store: Path | None) -> CheckedRun:
    """The run folder with its store. Raises ConfigError where one of them is missing."""
    try:
        loaded = load_run(run)
    except JSONDecodeError as error:
        raise ConfigError(f"a JSON file of {run!r} cannot be read ({error}); `bench run` writes it anew") from None
    root = Path(store or loaded.run["store"]).expanduser()
    if not root.is_dir():
        raise ConfigError(f"the store {str(root)!r} of this run does not exist; give store=DIR")
    return CheckedRun(loaded, root, "cuda" if torch.cuda.is_available() else "cpu")


CHECKS: dict[str, Callable[[CheckedRun, Sample, Track], Check]] = {
    "hashing stages": lambda run, sample, track: check_stages(run, track),
    "looking through cells": lambda run, sample, track: check_cells(run, track),
    "comparing tables": lambda run, sample, track: check_tables(run, track),
    "making rows again": lambda run, sample, track: check_rows(run, track),
    "scoring samples": lambda run, sample, track: check_scores(run, sample.share, sample.seed, track),
    "measuring a policy": lambda run, sample, track: check_policy(run, sample.seed, track),
    "building the report": lambda run, sample, track: check_report(run, track),
}
"""Checks in order. Later checks skip what earlier ones found damaged."""


def run_checks(checked_run: CheckedRun, sample: Sample, names: Iterable[str] = tuple(CHECKS)) -> list[Check]:
    """The result of each check."""
    torch.set_num_threads(1)  # as when stages are made; models this small gain little from more
    disable_progress_bar()  # one per model; `Progress` shows one for all
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, transient=True) as progress:
        return [CHECKS[name](checked_run, sample, partial(_track, progress, name)) for name in names]


def _track(progress: Progress, name: str, items: Iterable) -> Iterable:
    return progress.track(items, description=name)


def _made_by_other_code(checked_run: CheckedRun) -> int:
    """The number of stages whose keys differ from those of the installed code and libraries."""
    plan = checked_run.plan
    today = {stage.name: stage.key for stage in [*plan.stages.values(), *(c.stage for c in plan.cells.values())]}
    return sum(today.get(name) != manifest["key"] for name, manifest in checked_run.run.stages.items())


def _table(checks: list[Check]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("check", no_wrap=True)
    table.add_column("result", no_wrap=True)
    table.add_column("what was checked")
    for check in checks:
        result = f"[red]{_mismatches(check.findings)}[/red]" if check.findings else "[green]ok[/green]"
        table.add_row(check.name, result, "; ".join(filter(None, (check.checked, check.note))))
    return table

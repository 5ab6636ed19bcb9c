"""The report's CSV files, made again from the run folder in a temporary folder."""

import csv
import tempfile
from itertools import zip_longest
from pathlib import Path

from bench.checks.runs.checked_run import CheckedRun
from bench.checks.runs.finding import Check, Track, abbreviated
from reports import build

_READ = ("config.json", "run.json", "stages.json", "rows.parquet", "samples.parquet", "bon_pool.parquet", "cells")


def check_report(checked_run: CheckedRun, track: Track) -> Check:
    """Compare every CSV file in tables/ and figures/ value by value."""
    check, folder = Check("tables of the report"), checked_run.run.path
    if checked_run.run.run["state"] == "running" or not (folder / "report.html").is_file():
        check.checked, check.note = "nothing", "the report is not finished; `bench report RUN` makes it"
        return check
    if unreadable := checked_run.damaged.intersection(_READ):
        check.checked, check.note = "nothing", f"{', '.join(sorted(unreadable))} cannot be read"
        return check
    with tempfile.TemporaryDirectory() as name:
        again = Path(name)
        for item in _READ:
            if (folder / item).exists():
                (again / item).symlink_to((folder / item).resolve())
        build(again)
        files = sorted({p.relative_to(root) for root in (folder, again) for p in root.glob("*/*.csv")})
        for file in track(files):
            what = _difference(folder / file, again / file)
            if what:
                check.find(str(file), what + "; `bench report RUN` makes it anew")
    check.checked = f"{len(files)} CSV files"
    return check


def _difference(found: Path, made: Path) -> str | None:
    """The first difference between two CSV files; None if there is none."""
    if not found.is_file() or not made.is_file():
        return "is missing" if made.is_file() else "does not belong to this run's report"
    here, there = (list(csv.reader(path.read_text(encoding="utf-8").splitlines())) for path in (found, made))
    if here[:1] != there[:1]:
        return "has other columns than the report makes"
    nothing: list[str] = []
    for i, (old, new) in enumerate(zip_longest(here, there, fillvalue=nothing), 1):
        for column, was, now in zip_longest(here[0], old, new):
            if was != now:
                return f"line {i}, {column} is {abbreviated(was)}, made again {abbreviated(now)}"
    return None

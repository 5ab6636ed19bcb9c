"""A report that is left alone is the one that a build would write."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import reports
from reports.page import fresh, make

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def refreshed(make_run, tmp_path_factory):
    """A small run whose report has been refreshed once."""
    folder = make_run(tmp_path_factory.mktemp("fresh") / "run", betas=(0.0,), samples=1)
    reports.refresh(folder)
    return folder


@pytest.fixture
def run(refreshed, tmp_path):
    """A copy of it, of the same name."""
    return Path(shutil.copytree(refreshed, tmp_path / "run"))


@pytest.fixture
def made(monkeypatch):
    """How often a report was made from here on; none is."""
    calls = []
    monkeypatch.setattr(make, "make", lambda folder: calls.append(folder))
    return calls


def test_a_report_that_is_left_alone_has_the_bytes_of_a_build(run, made, monkeypatch):
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert reports.refresh(run) == run / "report.html"
    assert made == []
    monkeypatch.undo()
    reports.build(run)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    "name",
    [
        *("config.json", "run.json", "stages.json", "rows.parquet", "samples.parquet", "bon_pool.parquet"),
        *("report.html", "figures/hero.png", "figures/hero.csv", "tables/peaks.csv", "cells/ppo-b0-r0/log.jsonl"),
    ],
)
@pytest.mark.parametrize("change", ["edited", "removed"])
def test_a_changed_file_of_the_run_or_of_its_report_has_it_built(run, made, name, change):
    path = run / name
    path.write_bytes(path.read_bytes() + b" ") if change == "edited" else path.unlink()
    reports.refresh(run)
    assert made == [run]


def test_other_code_has_it_built(run, made, monkeypatch, tmp_path):
    (tmp_path / "code" / "reports").mkdir(parents=True)
    (tmp_path / "code" / "reports" / "make.py").touch()
    monkeypatch.setattr(fresh, "_ROOT", tmp_path / "code")
    reports.refresh(run)
    assert made == [run]


def test_other_libraries_have_it_built(run, made, monkeypatch):
    monkeypatch.setattr(fresh.importlib.metadata, "version", lambda name: "0")
    reports.refresh(run)
    assert made == [run]


_READER = """
import importlib.util, sys
from pathlib import Path

run, seen = Path(sys.argv[1]), set()


def note(event, args):
    if event == "open" and isinstance(args[0], str):
        seen.add(args[0])


sys.addaudithook(note)
import reports
from reports.page import fresh

reports.build(run)
known = {*fresh.inputs(run), *fresh.code(), *fresh._found(run, fresh._OUTPUTS)}
ours = {run, *(Path(fresh.__file__).parents[2] / name for name in ("bench", "gold", "reports", "suites"))}
for path in map(Path, seen):
    if path.suffix == ".pyc":
        path = Path(importlib.util.source_from_cache(str(path).partition(".pyc")[0] + ".pyc"))
    if ours & set(path.parents) and path.is_file() and path not in known:
        print(path)
print(sum(path in known for path in map(Path, seen)), "known")
"""


def test_a_build_opens_no_file_that_is_not_looked_at(run):
    done = subprocess.run(
        [sys.executable, "-c", _READER, str(run)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    *unknown, known = done.stdout.splitlines()
    assert unknown == []
    assert int(known.split()[0]) > 20

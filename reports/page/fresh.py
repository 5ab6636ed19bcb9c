"""Skips a rebuild when the report is what a build would write: when inputs, code and outputs are unchanged.

Inputs are the run folder, this project's code, templates and suites, installed sections, and the libraries that
compute and draw. `reports.refresh` calls `refresh`; `reports.build` always builds.
"""

import importlib.metadata
import platform
from itertools import chain
from pathlib import Path

from bench.engine.rebuild import digest, make_once
from reports.sections.plugins import origins

_ROOT = Path(__file__).parents[2]
_CODE = ("bench/**/*.py", "reports/**/*.py", "reports/templates/*", "reports/vendor/*", "suites/*")
_LIBRARIES = ("jinja2", "matplotlib", "numpy", "omegaconf", "pandas", "pillow", "pyarrow", "pydantic", "scipy")
_INPUTS = ("[!.]*.json", "[!.]*.parquet", "cells/*/log.jsonl")
_OUTPUTS = ("report.html", "figures/*", "tables/*")


def refresh(folder: Path) -> Path:
    """Build the report of the run in `folder` unless a build would change nothing. Returns the page's path."""

    def build() -> None:
        from reports.page.make import make

        make(folder)

    versions = [platform.python_version(), *map(importlib.metadata.version, _LIBRARIES), *origins()]
    made_of = digest(inputs(folder), folder, [folder.name, digest(code(), _ROOT), *versions])
    make_once(folder / ".report.json", made_of, lambda: _found(folder, _OUTPUTS), build)
    return folder / "report.html"


def inputs(folder: Path) -> list[Path]:
    """Every file of a run folder that its report may read."""
    return _found(folder, _INPUTS)


def code() -> list[Path]:
    """Every file of this project that a report may depend on."""
    return _found(_ROOT, _CODE)


def _found(root: Path, patterns: tuple[str, ...]) -> list[Path]:
    return list(chain.from_iterable(map(root.glob, patterns)))

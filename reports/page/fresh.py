"""A report that is what a new build would write is left alone: at the end of a run that made nothing, say.

It is made of what the run folder holds, of this project's code, templates and suites, and of the libraries that
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
    """Every file of a run folder that its report may be made of."""
    return _found(folder, _INPUTS)


def code() -> list[Path]:
    """Every file of this project that a report may be made by."""
    return _found(_ROOT, _CODE)


def _found(root: Path, patterns: tuple[str, ...]) -> list[Path]:
    return list(chain.from_iterable(map(root.glob, patterns)))

"""Differences of configurations, key by key: of a run from its suite, of several runs from each other.

`page.comparison` calls `between`.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from bench.config.load import load_suite, scale_names, suite_names
from bench.config.suite import SuiteConfig
from reports.analysis.analysis import Analysis
from reports.draw.table import Table
from reports.read.run import RunData
from reports.sections.section import Section

_DIFFERS = "Keys whose values differ between the class defaults, the installed suite of this name and this run."
_DIFFERS_OWN = "Keys whose values differ from the class defaults; no installed suite has this name."
_BETWEEN = "Keys whose values differ between the runs."
_UNSET = "unset"


def from_suite(analysis: Analysis) -> Table:
    """The run's changes to the suite of its name, at its scale, and the suite's changes to the class defaults."""
    run = analysis.run
    suite, scale = (str(run.config.get(key) or "") for key in ("name", "scale"))
    classes = SuiteConfig(name=suite or "defaults").model_dump(mode="json")
    known = suite in suite_names() and scale in ("", *scale_names(suite))
    installed = load_suite(suite, scale or None) if known else None
    middle = {f"suite {installed.label}": installed.model_dump(mode="json")} if installed else {}
    columns = {"class default": classes, **middle, "this run": run.config}
    rows = differences(columns)
    note = _DIFFERS if installed else _DIFFERS_OWN
    return _table("config", "Configuration, where it differs from the defaults", note, list(columns), rows)


def between(runs: Sequence[tuple[str, RunData]]) -> Table:
    """The keys whose values differ between runs."""
    rows = differences({name: run.config for name, run in runs})
    return _table("config", "Configuration, where the runs differ", _BETWEEN, [name for name, _ in runs], rows)


def differences(configs: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """(key, each config's value) of every key whose values are not all equal."""
    flat = [flattened(config) for config in configs.values()]
    keys = dict.fromkeys(key for config in flat for key in config)
    rows = [(key, *(config.get(key, _UNSET) for config in flat)) for key in keys]
    return [row for row in rows if len(set(row[1:])) > 1]


def flattened(value: Any, name: str = "") -> dict[str, str]:
    """Dotted key -> JSON text. A list is one value."""
    if isinstance(value, Mapping) and value:
        parts = (flattened(inner, f"{name}.{key}" if name else str(key)) for key, inner in value.items())
        return {key: text for part in parts for key, text in part.items()}
    return {name: value if isinstance(value, str) else json.dumps(_plain(value), ensure_ascii=False)}


def _plain(value: Any) -> Any:
    """Whole numbers written one way, so that 1 and 1.0 do not differ."""
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, Mapping):
        return {key: _plain(v) for key, v in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _table(name: str, title: str, note: str, heads: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Table:
    data = pd.DataFrame(rows, columns=["key", *heads])
    return Table(name, title, note, data, ("key", *heads), tuple(rows), text=len(heads) + 1)


SECTION = Section("config", "Configuration", (from_suite,))

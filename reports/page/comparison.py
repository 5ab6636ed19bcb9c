"""Several runs on one page: overlaid curves, differences at matched KL, where their configurations differ.

Scores are in units of a world's gold and KL is to its pi_ref, so runs that do not share world, pi_ref and gold are
refused; with `force` they are compared under a warning. `reports.compare` calls `compare_runs`.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from bench.engine.files import write_text
from bench.engine.machine import machine_line
from bench.engine.rebuild import contents_of
from bench.errors import ConfigError
from bench.stats.matched import at_kl, difference_over
from reports.draw.labels import setting_label
from reports.draw.table import Row, Table, difference, missing
from reports.page.contents import contents, is_same, unit_gap, warnings
from reports.page.embed import pack, rows_json
from reports.page.files import write_files
from reports.page.html import render
from reports.page.overlay import DASHES, Named, overlay, row_id_of
from reports.page.page import Page, fill
from reports.read.load import load
from reports.read.run import RunData
from reports.sections.section import Section
from reports.sections.trust.config import between

_DIFFERENCES = (
    "Gold of a run minus the first run's at the same KL, for settings of both, with replicates and prompts "
    "paired. ± is half of the 95% interval: t over three or more replicates, else conditional on the first one. "
    "Not corrected for multiple comparisons."
)
_RUNS = (
    "A stage's key is a hash of its config, inputs, code and library versions. Its content is a hash of its files, "
    "which may differ under one key where machines do."
)

GROUND = {"world": "world", "sft": "pi_ref", "gold": "gold"}  # stages that fix units and KL, and their names


def compare_runs(
    folders: Sequence[Path],
    out: Path,
    *,
    force: bool = False,
    pdf: bool = False,
    warn: Callable[[str], object] | None = None,
) -> Path:
    """Write the page of several runs into `out` and return its path. Raises ConfigError if they are not comparable.

    `warn` gets each sentence that the page warns with.
    """
    runs = [
        Named(name, load(folder), DASHES[i % len(DASHES)])
        for i, (name, folder) in enumerate(zip(_names(folders), folders, strict=True))
    ]
    differing = grounds(runs)
    if differing and not force:
        raise ConfigError(
            f"{'; '.join(differing)}: their scores and KLs are not in one unit. Compare runs of one world, pi_ref and "
            "gold, or add force=true"
        )
    warned = warnings(runs)
    if warn is not None:
        for text in warned:
            warn(text)
    gold, made = overlay(runs, "gold"), fill(SECTIONS, runs)
    files = write_files(out, gold, made, pdf=pdf)
    kinds = {kind.method: kind for r in reversed(runs) for kind in r.run.shown_kinds}
    page = Page(
        title=" · ".join(r.name for r in runs),
        kinds=tuple(kinds[name] for name in dict.fromkeys(kind.method for r in runs for kind in r.run.shown_kinds)),
        sections=tuple(section for section in made if section.items),
        rows=_rows(runs),
        packs={name: pack(text) for name, text in files.items()},
        hero=gold,
        before=(("hero", "Gold curves"),) if gold else (),
    )
    command = " ".join(["bench report", *map(str, folders), *(["force=true"] if force else [])])
    path = out / "report.html"
    variables = {"differing": differing, "warned": warned, "command": command}
    write_text(path, render("compare.html.j2", page, out / "figures", runs=runs, **variables))
    return path


def grounds(runs: Sequence[Named]) -> list[str]:
    """A message for each of world, pi_ref, gold and its unit that a run does not share with the first one.

    Of world, pi_ref and gold keys decide; where they agree and bytes do not, the page warns. Of the unit its number.
    """
    first, found = runs[0], []
    for other in runs[1:]:
        for stage, name in GROUND.items():
            known, key = (str(r.run.stages.get(stage, {}).get("key", "")) for r in (first, other))
            if not known or not key:
                found.append(f"{other.name if known else first.name} has no {name} yet")
            elif known != key:
                found.append(f"{other.name} has another {name} ({key[:8]}) than {first.name} ({known[:8]})")
        keys = {r.run.stages.get("units", {}).get("key") for r in (first, other)}
        if len(keys) > 1 and (gap := unit_gap(first, other)):
            found.append(gap)
    return list(dict.fromkeys(found))


def _names(folders: Sequence[Path]) -> list[str]:
    """Folder names, with their parents where two are equal."""
    names = [folder.resolve().name for folder in folders]
    if len(set(names)) == len(names):
        return names
    paths = [folder.resolve() for folder in folders]
    if len(set(paths)) < len(paths):
        raise ConfigError("a run is given twice; give different runs")
    return [f"{path.parent.name}/{path.name}" for path in paths]


def _rows(runs: Sequence[Named]) -> dict[str, Any]:
    """The policies of all runs, with a column `run`."""
    parts = [(r, rows_json(r.run)) for r in runs]
    names = dict.fromkeys(name for _, rows in parts for name in rows["columns"])
    columns: dict[str, list[Any]] = {
        name: [v for _, rows in parts for v in rows["columns"].get(name, [None] * len(rows["ids"]))] for name in names
    }
    columns["run"] = [r.name for r, rows in parts for _ in rows["ids"]]
    return {"ids": [row_id_of(r, row_id) for r, rows in parts for row_id in rows["ids"]], "columns": columns}


def differences(runs: Sequence[Named]) -> Table:
    """Each further run minus the first at each budget, for the settings that both have."""
    first = runs[0]
    budgets = sorted({b for r in runs for b in r.run.budgets})
    records: list[dict[str, Any]] = []
    body: list[Row] = []
    for other in runs[1:]:
        for setting, cells in other.settings.items():
            base = {c.replicate: c for c in first.settings.get(setting, [])}
            mine = [c for c in cells if c.replicate in base]
            if not mine:
                continue
            line = f"{setting_label(mine[0], other.run)}: {other.name} − {first.name}"  # noqa: RUF001
            theirs = [base[c.replicate] for c in mine]
            if all(is_same(other.run, first.run, c) for c in mine):
                body.append((line, *(missing("the same cells in both runs, byte for byte") for _ in budgets)))
                continue
            found = [
                difference_over([at_kl(c.curve, b) for c in mine], [at_kl(c.curve, b) for c in theirs]) for b in budgets
            ]
            if any(e.defined for e in found):
                body.append((line, *(difference(e) for e in found)))
            records += [
                {"run": other.name, "minus": first.name, "cell": mine[0].name, "budget_nats": b, "difference": e.point}
                | {"low": e.low, "high": e.high, "n": e.n, "method_of_interval": e.method, "reason": e.reason}
                for b, e in zip(budgets, found, strict=True)
            ]
    head = ("nats", *(f"{b:g}" for b in budgets))
    return Table("differences", "Differences at matched KL", _DIFFERENCES, pd.DataFrame(records), head, tuple(body))


def what_runs_are(runs: Sequence[Named]) -> Table:
    """Title, state, size, commit, keys, contents and machines of each run."""
    facts: dict[str, Mapping[str, str]] = {r.name: _facts(r.run) for r in runs}
    keys = list(dict.fromkeys(key for by_key in facts.values() for key in by_key))
    body = tuple((key, *(facts[r.name].get(key, "") for r in runs)) for key in keys)
    heads = ("", *(r.name for r in runs))
    return Table("runs", "The runs", _RUNS, pd.DataFrame(body, columns=list(heads)), heads, body, text=len(heads))


def _facts(run: RunData) -> dict[str, str]:
    git = run.run.get("git") or {}
    grounds = {name: run.stages.get(stage, {}) for stage, name in GROUND.items()}
    keys = {f"key of {name}": str(manifest.get("key", "")) for name, manifest in grounds.items()}
    hashes = {f"content of {name}": contents_of(m)[:24] if m.get("files") else "" for name, m in grounds.items()}
    return {
        "title": str(run.config.get("title", "")),
        "state": str(run.run.get("state", "")),
        "cells": str(len(run.cells)),
        "evaluated policies": str(len(run.ok)),
        "commit": str(git.get("commit", "")) + (" with changes" if git.get("dirty") else ""),
        **keys,
        **hashes,
        "machines": "; ".join(map(machine_line, run.run.get("machines", ()))),
    }


SECTIONS: tuple[Section[Sequence[Named]], ...] = (
    Section("curves", "Proxy curves", (partial(overlay, what="proxy"),)),
    Section("matched", "Differences at matched KL", (differences,)),
    Section("contents", "Equal keys, other content", (contents,)),
    Section("config", "Configuration, where the runs differ", (lambda runs: between([(r.name, r.run) for r in runs]),)),
    Section("runs", "The runs", (what_runs_are,)),
)

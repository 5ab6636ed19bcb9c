"""A stage: (config subtree, input stages) -> a folder, keyed by everything that could change its bytes.

This module only describes stages and derives keys. `store` keeps their folders, `sweep` runs them.
"""

import hashlib
import importlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.engine.provenance import code_hash, library_versions


@dataclass(frozen=True)
class Gate:
    """A least value of the first of some metrics that a stage has. It changes no stage, so it is in no key."""

    metrics: tuple[str, ...]
    least: float
    problem: str

    def reason(self, metrics: Mapping[str, Any]) -> str | None:
        """Why the stage does not pass; None where it does."""
        name = next(name for name in self.metrics if name in metrics)
        value = metrics[name]
        if value is not None and value >= self.least:
            return None
        got = "undefined" if value is None else f"{value:.3f}"
        return f"{self.problem}: {name} is {got}, needed {self.least:g}"


@dataclass(frozen=True, eq=False)
class Stage:
    """One unit of work of a plan.

    `run` names a module with a function `run(context) -> metrics`; the module and its in-repo
    import closure enter the key, so an edit elsewhere (a report, say) invalidates nothing.
    `parts` names objects that it loads while it runs (`module:object`); their modules' closures enter the key, too.
    `isolated` stages share a process with their like alone (TRL reseeds the global generators at the start of a fit).
    """

    kind: str
    name: str
    run: str
    config: Mapping[str, Any]
    inputs: Mapping[str, "Stage"] = field(default_factory=dict)
    isolated: bool = False
    expected_s: float = 10.0
    threads: int = 1
    parts: Mapping[str, str] = field(default_factory=dict)
    partial_input: str | None = None  # an input whose unfinished results are worth reading where it failed
    gate: Gate | None = None

    @property
    def reads_partial(self) -> str | None:
        """The key of that input."""
        return self.inputs[self.partial_input].key if self.partial_input else None

    @property
    def process_group(self) -> str:
        """Stages of equal group may share a worker."""
        return self.run if self.isolated else ""

    @cached_property
    def key(self) -> str:
        """24 hex digits over config, inputs' keys, code, library versions and threads per worker."""
        content = {
            "kind": self.kind,
            "config": self.config,
            "inputs": {name: stage.key for name, stage in sorted(self.inputs.items())},
            "code": code_hash(self.run),
            "versions": library_versions(),
            "threads": self.threads,
        }
        if self.parts:
            content["parts"] = {
                name: code_hash(target.partition(":")[0]) for name, target in sorted(self.parts.items())
            }
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:24]

    def closure(self) -> list["Stage"]:
        """This stage and all it needs, inputs first, each key once."""
        seen: dict[str, Stage] = {}

        def visit(stage: Stage) -> None:
            if stage.key not in seen:
                for needed in stage.inputs.values():
                    visit(needed)
                seen[stage.key] = stage

        visit(self)
        return list(seen.values())


@dataclass(frozen=True)
class Context:
    """The arguments of a stage's `run`, which writes into `folder` and returns its metrics.

    `folder` may hold what a killed attempt at the same key left; a resumable stage continues
    from it, any other clears it first by calling `fresh()`.
    """

    config: Mapping[str, Any]
    inputs: Mapping[str, Path]
    folder: Path
    device: str
    report: Callable[[Mapping[str, Any]], None]  # progress for the live display; never a number of record
    parts: Mapping[str, str] = field(default_factory=dict)

    def part(self, name: str) -> Any:
        """The object that the stage's part of this name names."""
        module, _, attribute = self.parts[name].partition(":")
        return getattr(importlib.import_module(module), attribute)

    def fresh(self) -> Path:
        """The work folder, emptied."""
        for item in self.folder.iterdir():
            shutil.rmtree(item) if item.is_dir() else item.unlink()
        return self.folder


def resolve(run: str) -> Callable[[Context], Mapping[str, Any]]:
    """The `run` function of a stage module."""
    return importlib.import_module(run).run

"""A run to check: its manifests, their stored folders, and the models that measured its cells."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.config.explain import validated
from bench.config.suite import SuiteConfig
from bench.engine.stage import Context
from bench.errors import ConfigError
from bench.pipeline.plan import Plan, build_plan, plan_stages
from bench.pipeline.scoring import Measurement, open_measurement
from bench.runs.folder import Run

Manifest = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class CheckedRun:
    """`damaged` holds the keys of stages that are not as recorded, and the run's tables that cannot be read.

    Checks skip everything that depends on those.
    """

    run: Run
    store: Path
    device: str
    damaged: set[str] = field(default_factory=set)
    measurements: dict[tuple[str, ...], Measurement] = field(default_factory=dict)

    @cached_property
    def plan(self) -> Plan:
        """The plan of the run's config, by the installed code."""
        try:
            return build_plan(validated(SuiteConfig, self.run.config), 1)
        except ConfigError as error:
            made_by = f"goldbench {self.run.run.get('goldbench')}, {self.run.run.get('git')}"
            raise ConfigError(f"{self.run.path}/config.json: {error}; verify with its code: {made_by}") from None

    @cached_property
    def parts(self) -> dict[str, Mapping[str, str]]:
        """The parts of every stage of the plan, by the stage's name."""
        return {stage.name: stage.parts for stage in plan_stages(self.plan)}

    @cached_property
    def by_key(self) -> dict[str, Manifest]:
        return {manifest["key"]: manifest for manifest in self.run.stages.values()}

    @cached_property
    def cells(self) -> dict[str, Manifest]:
        """Manifests of the finished cells, by cell, in the plan's order."""
        stages = {name: cell.stage.name for name, cell in self.plan.cells.items()}
        return {name: self.run.stages[stage] for name, stage in stages.items() if stage in self.run.stages}

    @cached_property
    def holders(self) -> dict[str, Manifest]:
        """The stage that holds a cell's log and policies: its training, or its rows' stage if none."""
        stages = {name: (cell.training or cell.stage).name for name, cell in self.plan.cells.items()}
        return {name: self.run.stages[stage] for name, stage in stages.items() if stage in self.run.stages}

    @property
    def stored_cells(self) -> dict[str, Manifest]:
        """Cells whose files are unchanged since they were stored."""
        return {name: manifest for name, manifest in self.cells.items() if manifest["key"] not in self.damaged}

    @property
    def sound_cells(self) -> dict[str, Manifest]:
        """Cells whose models and data, down to the world, are unchanged since they were stored."""
        return {name: manifest for name, manifest in self.cells.items() if self._sound(manifest)}

    def _sound(self, manifest: Manifest) -> bool:
        needed = [self.by_key.get(key) for key in manifest["inputs"].values()]
        return manifest["key"] not in self.damaged and all(m is not None and self._sound(m) for m in needed)

    def folder(self, manifest: Manifest) -> Path:
        return self.store / manifest["kind"] / manifest["key"]

    def context(self, manifest: Manifest) -> Context:
        """The context that the stage ran in. Its folder is the finished one; only read from it."""
        inputs = {name: self.folder(self.by_key[key]) for name, key in manifest["inputs"].items()}
        parts = self.parts[manifest["name"]]
        return Context(manifest["config"], inputs, self.folder(manifest), self.device, lambda event: None, parts)

    def measurement(self, manifest: Manifest) -> Measurement:
        """The scorers of a cell, loaded once for all cells that share its models and pairs."""
        names = ("world", "gold", "reference", "units", "pairs", "data", "proxy")
        key = tuple(manifest["inputs"].get(name, "") for name in names)
        if key not in self.measurements:
            self.measurements[key] = open_measurement(self.context(manifest))
        return self.measurements[key]

"""A whole finished run around random models: a store of real stages, a run folder, a report. No training by TRL."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import toy_artifacts

from bench.checks.runs.files import sha256
from bench.config.suite import SuiteConfig
from bench.core.records import read_parquet, write_parquet
from bench.engine.files import read_json, write_json
from bench.engine.store import Store
from bench.methods.reference import ReferenceMethodConfig
from bench.runs.folder import RunFolder
from reports import build as build_report

PPO, DPO, BON = "ppo-policy_sized-b0.01-r0", "dpo-policy_sized-b0.1-r0", "bon-policy_sized-r0"
SUITE = toy_artifacts.SUITE.model_copy(
    update={
        "methods": (*toy_artifacts.SUITE.methods, "reference"),
        "method": {**toy_artifacts.SUITE.method, "reference": ReferenceMethodConfig.sweep(evaluations=2)},
    }
)


@dataclass(frozen=True)
class ToyRun:
    """A run folder and its store, which tests copy and spoil."""

    root: Path

    @property
    def out(self) -> Path:
        return self.root / "run"

    @property
    def store(self) -> Path:
        return self.root / "store"

    def copy(self, root: Path) -> "ToyRun":
        """The same run elsewhere, in whose store no run is registered; its run.json goes on naming the first store."""
        shutil.copytree(self.root, root, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".runs"))
        return ToyRun(root)

    def stage(self, name: str) -> Path:
        """The stored folder of a stage."""
        manifest = read_json(self.out / "stages.json")[name]
        return self.store / manifest["kind"] / manifest["key"]

    def forge(self, name: str) -> None:
        """Make a stage's manifest, and the run's copy of it, agree with the stage's files as they are now."""
        stages, folder = read_json(self.out / "stages.json"), self.stage(name)
        for file, entry in stages[name]["files"].items():
            entry.update(sha256=sha256(folder / file), bytes=(folder / file).stat().st_size)
        write_json(folder / "manifest.json", stages[name])
        write_json(self.out / "stages.json", stages)


def edit(path: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """Rewrite a table."""
    write_parquet(change(read_parquet(path)), path)


def build(root: Path, suite: SuiteConfig = SUITE) -> ToyRun:
    """Make every stage of a toy suite, publish it, assemble the run folder and build its report."""
    plan, folders = toy_artifacts.build(root / "made", suite)
    run, store = ToyRun(root), Store(root / "store")
    for cell in plan.cells.values():
        folders[cell.stage.name] = root / "made" / cell.name
        toy_artifacts.run_stage(plan, cell.name, folders, folders[cell.stage.name])
        if cell.training is not None:
            folders[cell.training.name] = root / "made" / f"{cell.name}-train"
            (folders[cell.stage.name] / "train").rename(folders[cell.training.name])
    for stage in {s.key: s for cell in plan.cells.values() for s in cell.stage.closure()}.values():
        shutil.copytree(folders[stage.name], store.work(stage))
        store.publish(stage, {"status": "ok"}, 1.0, "cpu")
    shutil.rmtree(root / "made")
    RunFolder(plan, store, run.out, "bench run toy").assemble({}, over=True)
    build_report(run.out)
    return run

"""Toy plans: real plans over toy stages."""

from typing import Any

from bench.config.suite import SuiteConfig
from bench.engine.stage import Stage
from bench.pipeline.plan import Cell, Plan


def toy(name: str, *inputs: Stage, isolated: bool = False, expected_s: float = 1.0, **config: Any) -> Stage:
    """A stage of `toy_stage`; its config says how it behaves."""
    named = {stage.name: stage for stage in inputs}
    return Stage("toy", name, "toy_stage", {"name": name, **config}, named, isolated=isolated, expected_s=expected_s)


def plan_with_cells(**acts: str | None) -> Plan:
    """A plan of toy cells that need one shared toy stage; `acts` says how each cell ends (None: well)."""
    shared = toy("shared")
    cells = {}
    for name, act in acts.items():
        static = {"cell": name, "method": "dpo", "beta": 0.1, "replicate": 0}
        stage = Stage("cell", f"cell/{name}", "toy_cell", {"cell": name, "act": act}, {"shared": shared})
        cells[name] = Cell(name, "dpo", stage, static)
    return Plan(SuiteConfig(name="toy"), {"shared": shared}, cells)

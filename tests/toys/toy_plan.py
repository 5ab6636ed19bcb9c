"""A toy plan: the attributes of a plan that the sweep and the run folder read."""

from dataclasses import dataclass, field
from typing import Any

from bench.core.stage import Stage


def toy(name: str, *inputs: Stage, isolated: bool = False, expected_s: float = 1.0, **config: Any) -> Stage:
    named = {stage.name: stage for stage in inputs}
    return Stage("toy", name, "toy_stage", {"name": name, **config}, named, isolated=isolated, expected_s=expected_s)


@dataclass
class ToyCell:
    name: str
    stage: Stage
    method: str = "toy"
    static: dict[str, Any] = field(default_factory=dict)


@dataclass
class ToyPlan:
    stages: dict[str, Stage]
    cells: dict[str, ToyCell]
    suite: Any = None


def plan_of(*stages: Stage) -> ToyPlan:
    return ToyPlan({stage.name: stage for stage in stages}, {})

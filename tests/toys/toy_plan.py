"""Toy plans: real plans over toy stages."""

from typing import Any

from bench.config.suite import SuiteConfig
from bench.core.stage import Stage
from bench.pipeline.plan import Plan


def toy(name: str, *inputs: Stage, isolated: bool = False, expected_s: float = 1.0, **config: Any) -> Stage:
    """A stage of `toy_stage`; its config says how it behaves."""
    named = {stage.name: stage for stage in inputs}
    return Stage("toy", name, "toy_stage", {"name": name, **config}, named, isolated=isolated, expected_s=expected_s)


def plan_of(*stages: Stage) -> Plan:
    """A plan that asks for `stages` and has no cells."""
    return Plan(SuiteConfig(name="toy"), {stage.name: stage for stage in stages}, {})

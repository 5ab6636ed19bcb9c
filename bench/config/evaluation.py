"""Config of the measurement: prompts, samples, the grid of saved policies, when a cell ends."""

from typing import Literal

from pydantic import Field

from bench.config.base import Config


class EvaluationConfig(Config):
    """How a cell is watched while it trains, and how its saved policies are measured."""

    report_prompts: int = Field(default=120, ge=1)
    select_prompts: int = Field(default=24, ge=1)
    samples_per_prompt: int = Field(default=2, ge=1)
    monitor_prompts: int = Field(default=48, ge=2, description="rl-side prompts of the KL monitor")
    monitor_every: int = Field(default=2, ge=1, description="training steps between two looks, at the least")
    rows_per_budget: int = Field(default=2, ge=1, description="policies saved for each doubling of KL")
    probe_pairs: int = Field(default=128, ge=1, description="held-out pairs asked at every evaluation")
    diverged_factor: float = Field(default=20.0, gt=1, description="times the last budget")
    save: Literal["budgets", "all", "none"] = "budgets"


class PoolConfig(Config):
    """The pool of pi_ref samples that best-of-n and the world gate are computed from."""

    report_prompts: int = Field(default=32, ge=1, description="a prefix of the report split")
    select_prompts: int = Field(default=8, ge=1, description="a prefix of the select split")
    samples_per_prompt: int = Field(default=1024, ge=2)

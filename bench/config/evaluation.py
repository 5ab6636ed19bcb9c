"""Configuration of the KL monitor during training, and of the measurement of saved policies."""

from typing import Literal

from pydantic import Field

from bench.config.base import Config


class MonitorConfig(Config):
    """Settings of the KL monitor during training."""

    monitor_prompts: int = Field(default=48, ge=2, description="rl-side prompts of the KL monitor")
    monitor_every: int = Field(default=2, ge=1, description="least training steps between two KL checks")
    rows_per_budget: int = Field(default=2, ge=1, description="policies saved for each doubling of KL")
    diverged_factor: float = Field(default=20.0, gt=1, description="times the last budget")


class MeasureConfig(Config):
    """Settings of the measurement of saved policies."""

    report_prompts: int = Field(default=120, ge=1)
    select_prompts: int = Field(default=24, ge=1)
    samples_per_prompt: int = Field(default=2, ge=1)
    reference_samples: int = Field(default=16, ge=2, description="pi_ref samples a prompt, which set its zero")
    probe_pairs: int = Field(default=128, ge=1, description="held-out pairs scored at every evaluation")


class EvaluationConfig(MonitorConfig, MeasureConfig):
    """Settings of monitoring and measuring, and of the policies kept on the disk afterwards (`save`)."""

    save: Literal["all", "budgets", "none"] = Field(
        default="all", description="policies kept once measured; unless all are kept, a new measurement trains again"
    )


MONITORED = set(MonitorConfig.model_fields)
"""Fields that decide which policies a training saves and how fast it may move: they are in its key."""
MEASURED = set(MeasureConfig.model_fields)
"""Fields that decide how saved policies are measured: no training depends on them."""


class PoolConfig(Config):
    """The pool of pi_ref samples that best-of-n and the world gate are computed from."""

    report_prompts: int = Field(default=32, ge=1, description="a prefix of the report split")
    select_prompts: int = Field(default=8, ge=1, description="a prefix of the select split")
    samples_per_prompt: int = Field(default=1024, ge=2)

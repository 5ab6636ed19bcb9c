"""Configs of the trained models and their data: policy, gold, reference pool, pairs and proxies."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from bench.config.base import Config
from bench.errors import did_you_mean

RUBRIC_PARTS = ("facts", "tone", "register", "structure", "brevity", "restating", "filler", "repetition", "form")
"""Parts of the rubric of the world `notes`. Configs do not import gold, so a test keeps these equal to its names."""


class ModelConfig(Config):
    """The size of a GPT-NeoX-family transformer."""

    layers: int = Field(default=2, ge=1)
    width: int = Field(default=64, ge=8)
    heads: int = Field(default=4, ge=1)

    @model_validator(mode="after")
    def _heads_divide_width(self) -> "ModelConfig":
        if self.width % self.heads or (self.width // self.heads) % 4:
            raise ValueError(
                f"width {self.width} does not split into {self.heads} heads of a size divisible by 4 (rotary); "
                f"use a multiple of {4 * self.heads}"
            )
        return self


class SFTConfig(Config):
    """Supervised fine-tuning of a causal LM on the demonstrations (TRL `SFTTrainer`)."""

    model: ModelConfig = ModelConfig()
    steps: int = Field(default=600, ge=1)
    batch: int = Field(default=64, ge=1)
    lr: float = Field(default=6e-3, gt=0)
    max_new_tokens: int = Field(default=64, ge=1, description="T: a response stops at EOS or here")
    seed: int = 0


class _Gold(Config):
    """Fields shared by all golds: the writers' weights of the rubric's parts. Users weight all parts equally."""

    weights: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict, description="weight of each part of the rubric; parts not named have weight 1"
    )

    @field_validator("weights")
    @classmethod
    def _parts_exist(cls, weights: dict[str, float]) -> dict[str, float]:
        for name in weights:
            if name not in RUBRIC_PARTS:
                choices = ", ".join(RUBRIC_PARTS) + did_you_mean(name, RUBRIC_PARTS)
                raise ValueError(f"unknown part of the rubric {name!r}; choose from {choices}")
        return weights


class TrainedGoldConfig(_Gold):
    """A large reward model trained on the rubric's preferences over a wide set of responses."""

    audit_prompts: ClassVar[int] = 64
    """Further prompts of the gold split, on which a trained gold is compared with its rubric."""

    type: Literal["trained"] = "trained"
    model: ModelConfig = ModelConfig(layers=4, width=160, heads=5)
    prompts: int = Field(default=8_192, ge=1, description="of the gold split")
    steps: int = Field(default=300, ge=1)
    prompts_per_step: int = Field(default=8, ge=1)
    responses_per_prompt: int = Field(default=8, ge=2)
    min_corr: float = Field(
        default=0.85,
        ge=-1,
        le=1,
        description="trained on until it agrees so with its rubric on held-out demonstrations",
    )
    max_rounds: int = Field(default=4, ge=1, description="of `steps` each")
    lr: float = Field(default=2e-3, gt=0)
    part_weight: float = Field(default=80.0, ge=0, description="weight of the per-token loss on the rubric's parts")
    seed: int = 0


class RubricGoldConfig(_Gold):
    """The rubric program itself, used as gold."""

    type: Literal["rubric"] = "rubric"


GoldConfig = Annotated[TrainedGoldConfig | RubricGoldConfig, Field(discriminator="type")]


class ReferenceConfig(Config):
    """The stored pool of pi_ref samples that sets the unit of every score, and the quality gate on it.

    Its prompts are of training's side, since labels and coefficients depend on the unit.
    """

    prompts: int = Field(default=144, ge=1, description="rl prompts in the pool that sets gold's unit")
    samples_per_prompt: int = Field(default=16, ge=2)
    min_gold_rubric_corr: float = Field(default=0.75, ge=-1, le=1, description="with gold's training rubric")


Source = Literal["pi_ref", "best_of_2", "mixture"]
"""Source of the responses in stored pairs: pi_ref, the better of two pi_ref samples by gold, or half of each."""


class PairsConfig(Config):
    """Preference pairs: two responses per prompt, labelled by gold."""

    n: int = Field(default=8_192, ge=8)
    held_out: int = Field(default=1_024, ge=8, description="additional pairs that calibrate and audit proxies")
    source: Source = "pi_ref"
    label: Literal["bradley_terry", "argmax"] = "bradley_terry"
    flip: float = Field(default=0.0, ge=0, le=1, description="share of labels flipped after labelling")

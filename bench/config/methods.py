"""Configs of methods: what is optimised, by which sampler and loss, at which strengths."""

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from bench.config.base import Config
from bench.config.models import Source

GOLD = "gold"  # a proxy name: optimise gold itself, the control
AT_ZERO = {
    "logistic": (math.log(2), -1 / 2, 1 / 4),
    "squared": (1.0, -2.0, 2.0),
    "hinge": (1.0, -1.0, 0.0),
    "exponential": (1.0, -1.0, 1.0),
    "truncated_quadratic": (1.0, -2.0, 2.0),
    "savage": (1 / 4, -1 / 4, 1 / 8),
}
"""f(0), f'(0) and f''(0) of each built-in preference loss, by hand; the self-check holds the functions to them."""
BUILT_IN_LOSSES = tuple(AT_ZERO)

KNOWN_AS = {"plain": "reinforce", "less_mean": "reinforce", "leave_one_out": "rloo", "group_standardized": "grpo"}
"""What the field calls policy gradient with each advantage; rows say so under `loss`."""

Betas = Annotated[tuple[Annotated[float, Field(ge=0)], ...], Field(min_length=1)]


class _Method(Config):
    """What every method says: the proxies it meets, and how hard it pushes against each."""

    proxy: tuple[str, ...] = Field(default=("policy_sized",), min_length=1)

    def betas(self, proxy: str) -> tuple[float | None, ...]:
        """The strengths that cells with this proxy run at; (None,) where a method has no strength."""
        return (None,)


class _Strengths(_Method):
    """A method that is run at several strengths."""

    beta: Betas
    beta_by_proxy: dict[str, Betas] = Field(default_factory=dict, description="other betas for some proxies")

    def betas(self, proxy: str) -> tuple[float | None, ...]:
        return self.beta_by_proxy.get(proxy, self.beta)


class PPOConfig(_Strengths):
    """PPO against a proxy, KL to pi_ref in the reward (Ouyang et al. 2022; Schulman et al. 2017).

    `beta` is the KL coefficient in calibrated logits, so it aims at pi_ref exp(r / beta).
    """

    type: Literal["ppo"] = "ppo"
    beta: Betas = (0.0, 0.03, 0.1, 0.3, 1.0)
    steps: int = Field(default=160, ge=1)
    batch: int = Field(default=64, ge=1, description="rollouts a step, one a prompt")
    minibatch: int = Field(default=32, ge=1)
    epochs: int = Field(default=1, ge=1)
    lr: float = Field(default=1e-4, gt=0)
    critic_lr: float = Field(default=1e-3, gt=0)
    clip: float = Field(default=0.2, gt=0)
    value_clip: float = Field(default=0.2, gt=0)
    gae_lambda: float = Field(default=1.0, ge=0, le=1)
    max_grad_norm: float = Field(default=1.0, gt=0)


class ReinforceConfig(_Strengths):
    """Policy gradient without a critic; `advantage` makes it REINFORCE, RLOO (Ahmadian 2024) or GRPO (Shao 2024).

    `beta` is PPO's: it aims at pi_ref exp(r / beta). GRPO's aims elsewhere: it scales scores within each prompt.
    """

    type: Literal["reinforce"] = "reinforce"
    advantage: Literal["plain", "less_mean", "leave_one_out", "group_standardized"] = "leave_one_out"
    beta: Betas = (0.0, 0.03, 0.1, 0.3, 1.0)
    steps: int = Field(default=300, ge=1)
    batch: int = Field(default=128, ge=1, description="rollouts a step")
    samples_per_prompt: int = Field(default=4, ge=1)
    lr: float = Field(default=1e-4, gt=0)
    max_grad_norm: float = Field(default=1.0, gt=0)

    @model_validator(mode="after")
    def _groups_fit(self) -> "ReinforceConfig":
        if self.batch % self.samples_per_prompt:
            raise ValueError(f"batch {self.batch} must be a multiple of samples_per_prompt {self.samples_per_prompt}")
        if self.advantage in ("leave_one_out", "group_standardized") and self.samples_per_prompt < 2:
            raise ValueError(f"advantage {self.advantage} needs samples_per_prompt >= 2; one has nothing beside it")
        return self


class PreferenceConfig(_Strengths):
    """A classification loss f(beta * rho) on preference pairs (Tang et al. 2024, 2402.05749).

    Pairs are stored ones with gold's labels (`refresh_every: never`), passed over for some epochs; or fresh ones, which
    the policy draws every `refresh_every` steps: 1 is online, more is iterative. Or they are those that another method
    of the suite drew (`replay`). The reference stays pi_ref throughout.
    """

    type: Literal["preference"] = "preference"
    f: str = Field(default="logistic", description="a built-in loss, or one that plugin=FILE.py or a package offers")
    proxy: tuple[str, ...] = Field(
        default=("policy_sized",), min_length=1, max_length=1, description="scores the rows; labels fresh pairs"
    )
    beta: Betas = (0.01, 0.03, 0.1, 0.3, 1.0)
    label_smoothing: float = Field(default=0.0, ge=0, lt=0.5, description="assumed share of flipped labels")
    noise_model: Literal["conservative", "robust"] = "conservative"
    data: Source | None = Field(default=None, description="who wrote the stored pairs; pairs.source when absent")
    epochs: int = Field(default=3, ge=1, description="over stored pairs")
    refresh_every: Literal["never"] | Annotated[int, Field(ge=1)] = "never"
    labelled_by: Literal["proxy", "gold"] = Field(default="proxy", description="fresh pairs; gold's labels are counted")
    label: Literal["bradley_terry", "argmax"] = Field(default="bradley_terry", description="of fresh pairs")
    steps: int = Field(default=300, ge=1, description="on fresh pairs")
    replay: str | None = Field(default=None, description="the method whose fresh pairs are taught again, offline")
    order: Literal["recorded", "shuffled"] = Field(default="recorded", description="of replayed pairs")
    batch: int = Field(default=64, ge=1)
    lr: float = Field(default=2e-4, gt=0)
    max_grad_norm: float = Field(default=1.0, gt=0)

    @model_validator(mode="after")
    def _one_source_of_pairs(self) -> "PreferenceConfig":
        named = [
            name
            for name, given in (
                ("data", self.data is not None),
                ("refresh_every", self.refresh_every != "never"),
                ("replay", self.replay is not None),
            )
            if given
        ]
        if len(named) > 1:
            raise ValueError(f"{' and '.join(named)} each say where pairs come from; give one of them")
        return self


class SFTMethodConfig(_Method):
    """Likelihood of one side of the stored pairs: gold's chosen one, or the better of the two by the proxy."""

    type: Literal["sft"] = "sft"
    target: Literal["chosen", "best_of_2"] = "chosen"
    proxy: tuple[str, ...] = Field(
        default=("policy_sized",), min_length=1, max_length=1, description="scores the rows; picks the better of two"
    )
    epochs: int = Field(default=3, ge=1)
    batch: int = Field(default=64, ge=1)
    lr: float = Field(default=2e-4, gt=0)
    max_grad_norm: float = Field(default=1.0, gt=0)


class BestOfNConfig(_Method):
    """Best-of-n by a proxy: an evaluator over a pool of pi_ref samples; trains nothing."""

    type: Literal["best_of_n"] = "best_of_n"
    n: tuple[int, ...] = Field(default=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024), min_length=1)


class ReferenceMethodConfig(_Method):
    """The A/A null: pi_ref evaluated as often as a cell. Trains nothing, so every rise or fall in it is noise."""

    type: Literal["reference"] = "reference"
    proxy: tuple[str, ...] = Field(default=("policy_sized",), min_length=1, max_length=1)
    looks: int = Field(default=16, ge=2)


MethodConfig = Annotated[
    PPOConfig | ReinforceConfig | PreferenceConfig | SFTMethodConfig | BestOfNConfig | ReferenceMethodConfig,
    Field(discriminator="type"),
]

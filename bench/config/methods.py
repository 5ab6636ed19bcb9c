"""Configs of methods: what is optimised, by which sampler and loss, at which strengths."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from bench.config.base import Config

GOLD = "gold"  # a proxy name: optimise gold itself, the control
BUILT_IN_LOSSES = ("logistic", "squared", "hinge", "exponential", "truncated_quadratic", "savage")

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
    steps: int = Field(default=300, ge=1)
    batch: int = Field(default=128, ge=1, description="rollouts a step, one a prompt")
    minibatch: int = Field(default=64, ge=1)
    epochs: int = Field(default=1, ge=1)
    lr: float = Field(default=1e-4, gt=0)
    critic_lr: float = Field(default=1e-3, gt=0)
    clip: float = Field(default=0.2, gt=0)
    value_clip: float = Field(default=0.2, gt=0)
    gae_lambda: float = Field(default=1.0, ge=0, le=1)
    max_grad_norm: float = Field(default=1.0, gt=0)


class ReinforceConfig(_Strengths):
    """Policy gradient without a critic: REINFORCE, and RLOO with `leave_one_out` (Ahmadian et al. 2024, 2402.14740).

    `beta` is PPO's: it aims at pi_ref exp(r / beta).
    """

    type: Literal["reinforce"] = "reinforce"
    baseline: Literal["none", "mean", "leave_one_out"] = "leave_one_out"
    beta: Betas = (0.0, 0.03, 0.1, 0.3, 1.0)
    steps: int = Field(default=300, ge=1)
    batch: int = Field(default=128, ge=1, description="rollouts a step")
    samples_per_prompt: int = Field(default=4, ge=1)
    lr: float = Field(default=5e-5, gt=0)
    max_grad_norm: float = Field(default=1.0, gt=0)

    @model_validator(mode="after")
    def _groups_fit(self) -> "ReinforceConfig":
        if self.batch % self.samples_per_prompt:
            raise ValueError(f"batch {self.batch} must be a multiple of samples_per_prompt {self.samples_per_prompt}")
        if self.baseline == "leave_one_out" and self.samples_per_prompt < 2:
            raise ValueError("baseline leave_one_out needs samples_per_prompt >= 2; of one, none are left")
        return self


class PreferenceConfig(_Strengths):
    """A classification loss f(beta * rho) on stored or on-policy pairs (Tang et al. 2024, 2402.05749).

    Stored pairs carry gold's labels and are passed over for some epochs. Online pairs are two fresh responses a prompt,
    labelled by the proxy in calibrated logits.
    """

    type: Literal["preference"] = "preference"
    f: str = Field(default="logistic", description="a built-in loss, or one that plugin=FILE.py or a package offers")
    pairs: Literal["stored", "online"] = "stored"
    proxy: tuple[str, ...] = Field(
        default=("policy_sized",), min_length=1, max_length=1, description="scores the rows; labels online pairs"
    )
    beta: Betas = (0.01, 0.03, 0.1, 0.3, 1.0)
    epochs: int = Field(default=3, ge=1, description="over stored pairs")
    online_steps: int = Field(default=300, ge=1)
    online_label: Literal["bradley_terry", "argmax"] = "bradley_terry"
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
    PPOConfig | ReinforceConfig | PreferenceConfig | BestOfNConfig | ReferenceMethodConfig, Field(discriminator="type")
]

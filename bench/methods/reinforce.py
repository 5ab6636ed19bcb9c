"""REINFORCE, RLOO (Ahmadian et al. 2024, 2402.14740) and GRPO (Shao et al. 2024, 2402.03300): no critic."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, model_validator

from bench.config.method import MethodConfig, Needs
from bench.core.names import KNOWN_AS

if TYPE_CHECKING:
    from bench.methods.base import Method, MethodInputs


class ReinforceConfig(MethodConfig):
    """Policy gradient without a critic; `advantage` makes it REINFORCE, RLOO or GRPO.

    `beta` is PPO's: it aims at pi_ref exp(r / beta). GRPO's aims elsewhere: it scales scores within each prompt.
    """

    type: Literal["reinforce"] = "reinforce"
    advantage: Literal["plain", "less_mean", "leave_one_out", "group_standardized"] = "leave_one_out"
    beta: float = Field(default=0.0, ge=0)
    steps: int = Field(default=300, ge=1)
    batch: int = Field(default=128, ge=1, description="rollouts a step")
    samples_per_prompt: int = Field(default=4, ge=1)
    lr: float = Field(default=1e-4, gt=0)
    max_grad_norm: float = Field(default=1.0, gt=0)

    betas: ClassVar[tuple[float, ...]] = (0.0, 0.03, 0.1, 0.3, 1.0)

    @model_validator(mode="after")
    def _groups_fit(self) -> "ReinforceConfig":
        if self.batch % self.samples_per_prompt:
            raise ValueError(f"batch {self.batch} must be a multiple of samples_per_prompt {self.samples_per_prompt}")
        if self.advantage in ("leave_one_out", "group_standardized") and self.samples_per_prompt < 2:
            raise ValueError(f"advantage {self.advantage} needs samples_per_prompt >= 2; one has nothing beside it")
        return self

    def identity(self) -> Mapping[str, str | None]:
        return {"sampler": "on_policy", "loss": KNOWN_AS[self.advantage]}

    @property
    def known_as(self) -> str:
        return KNOWN_AS[self.advantage]

    @property
    def per_step(self) -> Mapping[str, int]:
        return {"rl": self.batch // self.samples_per_prompt}

    def needs(self) -> Needs:
        return Needs(score=True)

    def cost(self, pairs: int) -> tuple[int, float]:
        return self.steps * self.batch, 2e-3

    def build(self, inputs: "MethodInputs") -> "Method":
        from bench.losses.reinforce import Reinforce
        from bench.methods.base import Method, rollouts

        sampler = rollouts(inputs, self.batch, inputs.score, self.samples_per_prompt)
        loss = Reinforce(self.beta, self.advantage, self.samples_per_prompt, inputs.max_new_tokens)
        return Method(sampler, loss, self.steps, self.lr, self.max_grad_norm)

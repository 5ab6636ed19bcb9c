"""PPO, KL to pi_ref in the reward (Ouyang et al. 2022, 2203.02155; Schulman et al. 2017, 1707.06347)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, model_validator

from bench.config.method import MethodConfig, Needs

if TYPE_CHECKING:
    from bench.methods.base import Method, MethodInputs


class PPOConfig(MethodConfig):
    """PPO with a separate critic. `beta` is the KL coefficient in calibrated logits, aiming at pi_ref exp(r / beta)."""

    type: Literal["ppo"] = "ppo"
    beta: float = Field(default=0.0, ge=0)
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

    betas: ClassVar[tuple[float, ...]] = (0.0, 0.03, 0.1, 0.3, 1.0)

    @model_validator(mode="after")
    def _every_setting_acts(self) -> "PPOConfig":
        if self.minibatch > self.batch:
            raise ValueError(f"minibatch {self.minibatch} is more than batch {self.batch}; use at most {self.batch}")
        if self.epochs == 1 and self.minibatch == self.batch:
            why = "here: with one update a batch nothing has moved yet; set epochs above 1, or minibatch below batch"
            self.refuse_unread("clip", why)
            self.refuse_unread("value_clip", why)
        return self

    def identity(self) -> Mapping[str, str | None]:
        return {"sampler": "on_policy", "loss": "ppo"}

    @property
    def per_step(self) -> Mapping[str, int]:
        return {"rl": self.batch}

    def needs(self) -> Needs:
        return Needs(score=True)

    def cost(self, pairs: int) -> tuple[int, float]:
        return self.steps * self.batch, 2.5e-3

    def build(self, inputs: "MethodInputs") -> "Method":
        from bench.losses.ppo import PPO, TransformerCritic
        from bench.methods.base import Method, rollouts
        from bench.rewards.model import new_critic

        loss = PPO(
            TransformerCritic(new_critic(inputs.reference, inputs.seed)),
            self.beta,
            self.minibatch,
            self.epochs,
            self.clip,
            self.value_clip,
            self.gae_lambda,
            self.critic_lr,
            inputs.max_new_tokens,
        )
        sampler = rollouts(inputs, self.batch, inputs.score)
        return Method(sampler, loss.to(inputs.device), self.steps, self.lr, self.max_grad_norm)

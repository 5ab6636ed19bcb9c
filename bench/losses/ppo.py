"""PPO: clipped-ratio policy gradient with a separate critic (Schulman et al. 2017, 1707.06347).

Discount 1, rewards never whitened, no entropy bonus, KL in the reward, token losses summed and divided
by a constant (the horizon, T): with lambda 1 the fixed point is pi_ref exp(score / beta). With a lambda
below 1 this holds only for an exact critic.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from bench.core.finite import OF_POLICY, demand_finite
from bench.core.masking import masked_mean, masked_sum
from bench.core.types import Rollouts, Rows, Sequences, trimmed
from bench.lm.logprobs import batched, token_logps
from bench.lm.policy import Policy
from bench.losses.advantages import gae, token_rewards, whiten
from bench.losses.base import Loss
from bench.rewards.model import RewardModel

OF_CRITIC = "its weights have grown too large: lower critic_lr"


class Critic(nn.Module, ABC):
    """The value of a response so far: one number before each of its tokens."""

    @abstractmethod
    def forward(self, sequences: Sequences) -> Float[Tensor, "B T"]: ...


@final
class TransformerCritic(Critic):
    """A transformer apart from the policy, with one number read at every column."""

    def __init__(self, model: RewardModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, sequences: Sequences) -> Float[Tensor, "B T"]:
        return batched(lambda _, part: self.model.values(part)[:, :-1], sequences)


@dataclass(frozen=True)
class Experience(Rows):
    """Rollouts with the log-probs and values of the policy and critic that drew them."""

    sequences: Sequences
    logps_BT: Float[Tensor, "B T"]
    values_BT: Float[Tensor, "B T"]
    advantages_BT: Float[Tensor, "B T"]
    returns_BT: Float[Tensor, "B T"]

    def trimmed(self) -> "Experience":
        """The same rows without the columns that none of them uses."""
        sequences = trimmed(self.sequences)
        tokens = (self.logps_BT, self.values_BT, self.advantages_BT, self.returns_BT)
        return Experience(sequences, *(table[:, : sequences.response_ids.shape[1]] for table in tokens))


@final
class PPO(Loss):
    """Clipped policy loss plus clipped value loss, several passes over each batch of rollouts."""

    name = "ppo"

    def __init__(
        self,
        critic: Critic,
        beta: float,
        minibatch: int,
        epochs: int,
        clip: float,
        value_clip: float,
        gae_lambda: float,
        critic_lr: float,
        horizon: int,
        whiten_advantages: bool = True,
    ) -> None:
        super().__init__()
        self.critic, self.beta, self.minibatch, self.epochs = critic, beta, minibatch, epochs
        self.clip, self.value_clip, self.gae_lambda, self.critic_lr = clip, value_clip, gae_lambda, critic_lr
        self.horizon, self.whiten_advantages = horizon, whiten_advantages

    @torch.no_grad()
    def experience(self, batch: Rollouts) -> Experience:
        """Values, advantages and returns of a batch, beside the log-probs that it was drawn with."""
        mask_BT = batch.sequences.response_mask
        values_BT = self.critic(batch.sequences).masked_fill(~mask_BT, 0.0)
        demand_finite("the critic's value", values_BT, OF_CRITIC)
        rewards_BT = token_rewards(batch.score_B, batch.logps_BT, batch.ref_logps_BT, mask_BT, self.beta)
        raw_BT = gae(rewards_BT, values_BT, mask_BT, self.gae_lambda)
        advantages_BT = whiten(raw_BT, mask_BT) if self.whiten_advantages else raw_BT
        return Experience(batch.sequences, batch.logps_BT, values_BT, advantages_BT, raw_BT + values_BT)

    def minibatches(self, policy: Policy, batch: Rollouts, generator: torch.Generator) -> Iterator[Experience]:
        experience = self.experience(batch)
        for _ in range(self.epochs):
            order = torch.randperm(len(experience), generator=generator).to(batch.score_B.device)
            for part in order.split(self.minibatch):
                yield experience[part].trimmed()

    def forward(self, policy: Policy, minibatch: Experience) -> tuple[Float[Tensor, ""], dict[str, float]]:
        mask_BT = minibatch.sequences.response_mask
        logps_BT = token_logps(policy, minibatch.sequences)
        demand_finite("the policy's log-prob", logps_BT, OF_POLICY, mask_BT)
        change_BT = (logps_BT - minibatch.logps_BT).masked_fill(~mask_BT, 0.0)
        ratio_BT = change_BT.exp()
        demand_finite("the ratio pi / pi_old", ratio_BT, "one batch moves the policy too far: lower lr or epochs")
        clipped_BT = ratio_BT.clamp(1 - self.clip, 1 + self.clip)
        gain_BT = torch.minimum(ratio_BT * minibatch.advantages_BT, clipped_BT * minibatch.advantages_BT)
        policy_loss = -masked_sum(gain_BT, mask_BT).mean() / self.horizon

        values_BT = self.critic(minibatch.sequences)
        demand_finite("the critic's value", values_BT, OF_CRITIC, mask_BT)
        near_BT = minibatch.values_BT + (values_BT - minibatch.values_BT).clamp(-self.value_clip, self.value_clip)
        error_BT = torch.maximum((values_BT - minibatch.returns_BT) ** 2, (near_BT - minibatch.returns_BT) ** 2)
        value_loss = masked_sum(error_BT, mask_BT).mean() / (2 * self.horizon)
        info = {
            "policy_loss": policy_loss.item(),
            "value_loss": value_loss.item(),
            "clip_share": masked_mean((ratio_BT != clipped_BT).float(), mask_BT).item(),
            "old_kl": masked_mean(((change_BT.exp() - 1) - change_BT).detach(), mask_BT).item(),
            "tokens": float(minibatch.sequences.lengths.sum()),
        }
        return policy_loss + value_loss, info

    def parameter_groups(self) -> list[dict[str, Any]]:
        return [{"params": list(self.critic.parameters()), "lr": self.critic_lr}]

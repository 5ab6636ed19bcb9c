"""REINFORCE, RLOO and GRPO: policy gradient without a critic (Williams 1992; Ahmadian et al. 2024, 2402.14740).

A response's return is its score minus beta times its log-ratio to pi_ref, as in PPO, so the target is the same:
pi_ref exp(score / beta). One update a batch: the policy that drew it is the policy that learns from it, and no
ratio or clip is needed. What returns are compared with is the one choice, an entry of `ADVANTAGES`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from bench.core.finite import OF_POLICY, demand_finite
from bench.core.masking import masked_sum
from bench.core.names import KNOWN_AS
from bench.core.types import Rollouts, Rows, Sequences
from bench.lm.logprobs import token_logps
from bench.lm.policy import Policy
from bench.losses.advantages import token_rewards
from bench.losses.base import Loss

Advantage = Callable[[Float[Tensor, " B"], Float[Tensor, " B"], int], Float[Tensor, " B"]]
"""Scores (logits), penalties beta log(pi / pi_ref), and the number G of samples a prompt, in adjacent rows."""

ROUNDING = 4  # roundings of the largest score: scores of a group that differ by no more must not be blown up


def plain(score_B: Float[Tensor, " B"], penalty_B: Float[Tensor, " B"], G: int) -> Float[Tensor, " B"]:
    """The return itself: the plain score-function estimator."""
    return score_B - penalty_B


def less_mean(score_B: Float[Tensor, " B"], penalty_B: Float[Tensor, " B"], G: int) -> Float[Tensor, " B"]:
    """Less the batch's mean. It contains each row's own return, so the expected gradient shrinks by (B - 1) / B."""
    return _centred(score_B - penalty_B, len(score_B))


def leave_one_out(score_B: Float[Tensor, " B"], penalty_B: Float[Tensor, " B"], G: int) -> Float[Tensor, " B"]:
    """Less the mean of the prompt's other G - 1 samples: RLOO (Ahmadian et al. 2024, eq. 7). Unbiased; needs G >= 2."""
    return _centred(score_B - penalty_B, G) * G / (G - 1)


def group_standardized(score_B: Float[Tensor, " B"], penalty_B: Float[Tensor, " B"], G: int) -> Float[Tensor, " B"]:
    """Scores less their group's mean, over their group's sd: GRPO (Shao et al. 2024, 2402.03300, section 4.1.2).

    Conventions here: the sd divides by G; the penalty is centred, never scaled; log-probs are summed over tokens, not
    averaged over each response; one update a batch, where the clipped ratio of the paper is 1. The score's unit is then
    the policy's own spread within each prompt: beta aims at pi_ref exp(score / (beta sd)), which moves with the policy.
    Nothing is added to the sd, so that a r + b gives the advantages of r; a group whose sd is within ROUNDING of 0 has
    equal scores, and advantages of 0.
    """
    sd_B = score_B.view(-1, G).std(1, unbiased=False).repeat_interleave(G)
    is_equal_B = sd_B <= ROUNDING * torch.finfo(score_B.dtype).eps * score_B.abs().max()
    return (_centred(score_B, G) / sd_B).masked_fill(is_equal_B, 0.0) - _centred(penalty_B, G)


def _centred(values_B: Float[Tensor, " B"], G: int) -> Float[Tensor, " B"]:
    """Values less their group's mean; exactly 0 where a group's are equal, since Adam takes rounding for a signal."""
    values_PG = values_B.view(-1, G)
    is_equal_P1 = values_PG.amax(1, keepdim=True) == values_PG.amin(1, keepdim=True)
    return (values_PG - values_PG.mean(1, keepdim=True)).masked_fill(is_equal_P1, 0.0).flatten()


ADVANTAGES: dict[str, Advantage] = {
    "plain": plain,
    "less_mean": less_mean,
    "leave_one_out": leave_one_out,
    "group_standardized": group_standardized,
}
"""Every advantage, by the name that configs use."""


@dataclass(frozen=True)
class Weighed(Rows):
    """Responses, each with the weight of its log-prob."""

    sequences: Sequences
    advantage_B: Float[Tensor, " B"]
    return_B: Float[Tensor, " B"]


@final
class Reinforce(Loss):
    """-E[advantage log pi(response)] / T, log pi summed over tokens."""

    def __init__(self, beta: float, advantage: str, samples_per_prompt: int, horizon: int) -> None:
        super().__init__()
        self.beta, self.advantage, self.name = beta, ADVANTAGES[advantage], KNOWN_AS[advantage]
        self.samples_per_prompt, self.horizon = samples_per_prompt, horizon

    def minibatches(self, policy: Policy, batch: Rollouts, generator: torch.Generator) -> Iterator[Weighed]:
        mask_BT = batch.sequences.response_mask
        return_B = token_rewards(batch.score_B, batch.logps_BT, batch.ref_logps_BT, mask_BT, self.beta).sum(1)
        advantage_B = self.advantage(batch.score_B, batch.score_B - return_B, self.samples_per_prompt)
        yield Weighed(batch.sequences, advantage_B, return_B)

    def forward(self, policy: Policy, minibatch: Weighed) -> tuple[Float[Tensor, ""], dict[str, float]]:
        logps_B = masked_sum(token_logps(policy, minibatch.sequences), minibatch.sequences.response_mask)
        demand_finite("the policy's log-prob of a response", logps_B, OF_POLICY)
        loss = -(minibatch.advantage_B * logps_B).mean() / self.horizon
        info = {
            "return": minibatch.return_B.mean().item(),
            "advantage_rms": minibatch.advantage_B.square().mean().sqrt().item(),
            "tokens": float(minibatch.sequences.lengths.sum()),
        }
        return loss, info

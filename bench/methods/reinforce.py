"""REINFORCE and RLOO: policy gradient without a critic (Williams 1992; Ahmadian et al. 2024, 2402.14740).

The return of a whole response is its score minus beta times its log-ratio to pi_ref, from the same rewards
as PPO's, so the target is the same: pi_ref exp(score / beta). One update a batch: the policy that drew it is
the policy that learns from it, and no ratio or clip is needed. Returns are not whitened.
"""

from collections.abc import Callable, Iterator
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor

from bench.core.masking import masked_sum
from bench.lm.logprobs import token_logps
from bench.lm.model import Policy
from bench.methods.advantages import token_rewards
from bench.methods.base import Loss, Rollouts

Baseline = Callable[[Float[Tensor, " B"], int], Float[Tensor, " B"]]
"""Returns and the number of samples a prompt in; what each return is compared with out."""


def no_baseline(returns_B: Float[Tensor, " B"], G: int) -> Float[Tensor, " B"]:
    """0: the plain score-function estimator."""
    return torch.zeros_like(returns_B)


def batch_mean(returns_B: Float[Tensor, " B"], G: int) -> Float[Tensor, " B"]:
    """The batch's mean. It contains each row's own return, so the expected gradient shrinks by (B - 1) / B."""
    return returns_B.mean().expand_as(returns_B)


def leave_one_out(returns_B: Float[Tensor, " B"], G: int) -> Float[Tensor, " B"]:
    """The mean of the prompt's other G - 1 samples: RLOO (Ahmadian et al. 2024, eq. 7). Unbiased; needs G >= 2.

    Samples of a prompt stand in adjacent rows.
    """
    returns_PG = returns_B.view(-1, G)
    return ((returns_PG.sum(1, keepdim=True) - returns_PG) / (G - 1)).flatten()


BASELINES: dict[str, Baseline] = {"none": no_baseline, "mean": batch_mean, "leave_one_out": leave_one_out}
"""Every baseline, by the name that configs use."""


@final
class Reinforce(Loss):
    """-E[(return - baseline) log pi(response)] / T, log pi summed over tokens."""

    name = "reinforce"

    def __init__(self, beta: float, baseline: str, samples_per_prompt: int, horizon: int) -> None:
        super().__init__()
        self.beta, self.baseline = beta, BASELINES[baseline]
        self.samples_per_prompt, self.horizon = samples_per_prompt, horizon

    def minibatches(self, policy: Policy, batch: Rollouts, generator: torch.Generator) -> Iterator[Rollouts]:
        yield batch

    def forward(self, policy: Policy, minibatch: Rollouts) -> tuple[Float[Tensor, ""], dict[str, float]]:
        mask_BT = minibatch.sequences.response_mask
        logps_BT = token_logps(policy, minibatch.sequences)
        rewards_BT = token_rewards(minibatch.score_B, logps_BT.detach(), minibatch.ref_logps_BT, mask_BT, self.beta)
        returns_B = rewards_BT.sum(1)
        advantages_B = returns_B - self.baseline(returns_B, self.samples_per_prompt)
        loss = -(advantages_B * masked_sum(logps_BT, mask_BT)).mean() / self.horizon
        info = {
            "return": returns_B.mean().item(),
            "advantage_rms": advantages_B.square().mean().sqrt().item(),
            "tokens": float(minibatch.sequences.lengths.sum()),
        }
        return loss, info

    def parameter_groups(self) -> list[dict[str, Any]]:
        return []

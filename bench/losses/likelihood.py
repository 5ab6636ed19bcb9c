"""Imitating one side of each pair: SFT on chosen, and best-of-2 distillation.

There is no beta: no term keeps the policy near pi_ref. These are baselines of every preference loss (Rafailov et al.
2023, 2305.18290, call the first Preferred-FT). The population minimiser is the distribution of the imitated responses:
2 mu(y) P(y > mu) for chosen, best-of-2's for the better of two.
"""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from bench.core.finite import OF_POLICY, demand_finite
from bench.core.types import Pairs, Score, stack
from bench.lm.logprobs import sequence_logps
from bench.lm.policy import Policy
from bench.losses.base import Loss


@torch.no_grad()
def better_first(pairs: Pairs, score: Score) -> Pairs:
    """The same pairs, chosen being the side that `score` prefers; of two equal ones the chosen side stays.

    Of two samples of pi_ref the chosen ones are then best-of-2's, at most log 2 - 1/2 nats away from pi_ref.
    """
    both, ref_B = stack(pairs.chosen, pairs.rejected), torch.cat([pairs.ref_chosen_B, pairs.ref_rejected_B])
    chosen_B, rejected_B = score(both).chunk(2)
    B, row = len(pairs), torch.arange(len(pairs), device=ref_B.device)
    swap = (rejected_B > chosen_B).long()
    better, worse = row + B * swap, row + B * (1 - swap)
    return Pairs(both[better], both[worse], ref_B[better], ref_B[worse])


@final
class Likelihood(Loss):
    """-E[log pi(chosen)] / T, summed over tokens; one pass."""

    imitates = True

    def __init__(self, target: str, horizon: int) -> None:
        super().__init__()
        self.name, self.horizon = f"sft_{target}", horizon

    def forward(self, policy: Policy, minibatch: Pairs) -> tuple[Float[Tensor, ""], dict[str, float]]:
        logps_B = sequence_logps(policy, minibatch.chosen)
        demand_finite("the policy's log-prob of the chosen side", logps_B, OF_POLICY)
        info = {
            "chosen_logratio": (logps_B.detach() - minibatch.ref_chosen_B).mean().item(),
            "tokens": float(minibatch.chosen.lengths.sum()),
        }
        return -logps_B.mean() / self.horizon, info

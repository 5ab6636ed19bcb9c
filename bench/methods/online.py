"""Online preference pairs: two fresh responses a prompt, labelled at once by a score.

`Recorder` keeps the pairs that a run drew and `Replay` gives them to another run in the same order, offline:
from the same start and with the same optimizer, that run is the same (Tang et al. 2024, 2405.08448).
"""

from collections.abc import Sequence
from typing import Any, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from bench.core.masking import masked_sum
from bench.core.seeds import stream
from bench.lm.model import Policy
from bench.methods.base import Counts, Pairs, Sampler
from bench.methods.samplers import OnPolicy


def first_is_chosen(score_M2: Float[Tensor, "M 2"], label: str, generator: torch.Generator) -> Bool[Tensor, " M"]:
    """A label a pair from two scores in logits.

    bradley_terry: P(first) = sigmoid(s1 - s2). argmax: the higher one; a tie is a fair coin.
    """
    margin_M = (score_M2[:, 0] - score_M2[:, 1]).double()
    p_first_M = torch.sigmoid(margin_M) if label == "bradley_terry" else (margin_M.sign() + 1) / 2
    uniform_M = torch.rand(len(margin_M), generator=generator, dtype=torch.float64)
    return uniform_M.to(margin_M.device) < p_first_M


@final
class OnlinePairs(Sampler):
    """Pairs of the policy as it is: `rollouts` draws two responses a prompt, and their scores label them.

    `metered` says that the score is gold, whose labels count; a proxy's cost nothing.
    """

    name = "online"

    def __init__(self, rollouts: OnPolicy, label: str, seed: int, metered: bool) -> None:
        assert rollouts.samples_per_prompt == 2
        self.rollouts, self.label, self.seed, self.metered = rollouts, label, seed, metered

    @torch.no_grad()
    def draw(self, policy: Policy, step: int, counts: Counts) -> Pairs:
        drawn = self.rollouts.draw(policy, step, counts)
        first_M = first_is_chosen(drawn.score_B.view(-1, 2), self.label, stream("online.labels", self.seed, step))
        pair_M = 2 * torch.arange(len(first_M), device=first_M.device)
        chosen, rejected = pair_M + (~first_M).long(), pair_M + first_M.long()
        ref_B = masked_sum(drawn.ref_logps_BT, drawn.sequences.response_mask)
        counts.labels_used += len(first_M) if self.metered else 0
        return Pairs(drawn.sequences[chosen], drawn.sequences[rejected], ref_B[chosen], ref_B[rejected])


@final
class Recorder(Sampler):
    """Another sampler, whose batches are kept."""

    def __init__(self, inner: Sampler) -> None:
        self.inner, self.name = inner, inner.name
        self.batches: list[Any] = []

    def draw(self, policy: Policy, step: int, counts: Counts) -> Any:
        self.batches.append(self.inner.draw(policy, step, counts))
        return self.batches[-1]


@final
class Replay(Sampler):
    """Recorded batches of pairs, offline, step for step. Their labels were counted where they were drawn."""

    name = "replay"

    def __init__(self, batches: Sequence[Pairs]) -> None:
        self.batches = batches

    def draw(self, policy: Policy, step: int, counts: Counts) -> Pairs:
        counts.samples_seen += 2 * len(self.batches[step])
        return self.batches[step]

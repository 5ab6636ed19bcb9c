"""Fresh preference pairs: two responses of the policy to a prompt, labelled at once by a score.

`OnlinePairs` draws from the policy as it is, `Rounds` from the policy as it was when its round began: with ever longer
rounds, online becomes iterative and then offline. `Recorder` keeps what a run drew and `Replay` gives it to another
run, in the same order or shuffled. In order, from the same start and with the same optimizer, that run is the same
(Tang et al. 2024, 2405.08448).
"""

import copy
from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from bench.core.masking import masked_sum
from bench.core.seeds import stream
from bench.core.types import Counts, Pairs
from bench.lm.policy import Policy
from bench.rewards.labeller import Labeller
from bench.samplers.base import Sampler
from bench.samplers.on_policy import OnPolicy


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

    `labeller` is the score where that is gold, whose labels count; a proxy's cost nothing.
    """

    name = "online"

    def __init__(self, rollouts: OnPolicy, label: str, seed: int, labeller: Labeller | None = None) -> None:
        assert rollouts.samples_per_prompt == 2
        self.rollouts, self.label, self.seed, self.labeller = rollouts, label, seed, labeller

    @torch.no_grad()
    def draw(self, policy: Policy, step: int, counts: Counts) -> Pairs:
        samples = self.rollouts.draw(policy, step, counts)
        first_M = first_is_chosen(samples.score_B.view(-1, 2), self.label, stream("online.labels", self.seed, step))
        pair_M = 2 * torch.arange(len(first_M), device=first_M.device)
        chosen, rejected = pair_M + (~first_M).long(), pair_M + first_M.long()
        ref_B = masked_sum(samples.ref_logps_BT, samples.sequences.response_mask)
        if self.labeller is not None:
            self.labeller.charge(counts)
        pairs = Pairs(samples.sequences[chosen], samples.sequences[rejected], ref_B[chosen], ref_B[rejected])
        counts.equal_pairs += int(pairs.equal_B.sum())
        return pairs


@final
class Rounds(Sampler):
    """Pairs of the policy as it was at the last step that `every` divides; `writer` is a copy of it."""

    def __init__(self, inner: OnlinePairs, every: int, reference: Policy) -> None:
        self.inner, self.every, self.name = inner, every, f"iterative{every}"
        self.writer, self.round = copy.deepcopy(reference).requires_grad_(False), -1

    def draw(self, policy: Policy, step: int, counts: Counts) -> Pairs:
        if step // self.every != self.round:
            self.writer.load_state_dict(policy.state_dict())
            self.round = step // self.every
        return self.inner.draw(self.writer, step, counts)

    def state(self) -> dict[str, Tensor]:
        return {"round": torch.tensor(self.round), **{f"writer.{k}": v for k, v in self.writer.state_dict().items()}}

    def load(self, state: dict[str, Tensor]) -> None:
        self.round = int(state["round"])
        self.writer.load_state_dict({k.removeprefix("writer."): v for k, v in state.items() if k != "round"})

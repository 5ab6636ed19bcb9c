"""Pairs that another run drew: `Recorder` keeps them, `Replay` gives them to another run, in order or shuffled.

In order, from the same start and with the same optimizer, that run is the same (Tang et al. 2024, 2405.08448).
"""

from typing import final

import torch
from torch import Tensor

from bench.core.seeds import stream
from bench.core.types import Counts, Pairs
from bench.lm.policy import Policy
from bench.samplers.base import Sampler


@final
class Recorder(Sampler):
    """Another sampler, whose batches are kept until they are taken."""

    def __init__(self, inner: Sampler) -> None:
        self.inner, self.name = inner, inner.name
        self.batches: list[Pairs] = []

    def draw(self, policy: Policy, step: int, counts: Counts) -> Pairs:
        self.batches.append(self.inner.draw(policy, step, counts))
        return self.batches[-1]

    def taken(self) -> list[Pairs]:
        """The batches drawn since the last call."""
        batches, self.batches = self.batches, []
        return batches

    def state(self) -> dict[str, Tensor]:
        return self.inner.state()

    def load(self, state: dict[str, Tensor]) -> None:
        self.inner.load(state)


@final
class Replay(Sampler):
    """Recorded pairs, `batch` a step, offline: in the order in which they were drawn, or in a random one.

    Their labels were counted where they were drawn.
    """

    def __init__(self, pairs: Pairs, batch: int, order: str, seed: int) -> None:
        self.batch, self.steps = batch, len(pairs) // batch
        self.name = "replay" if order == "recorded" else "replay_shuffled"
        every = torch.arange(len(pairs))
        if order == "shuffled":
            every = torch.randperm(len(pairs), generator=stream("replay.order", seed))
        self.pairs = pairs[every.to(pairs.ref_chosen_B.device)]

    def draw(self, policy: Policy, step: int, counts: Counts) -> Pairs:
        counts.samples_seen += 2 * self.batch
        pairs = self.pairs[step * self.batch : (step + 1) * self.batch]
        counts.equal_pairs += int(pairs.equal_B.sum())
        return pairs

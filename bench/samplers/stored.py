"""Offline sampling: batches of stored pairs in a new random order every epoch.

Each step has a separate random stream, so a resumed run draws the same batches as an uninterrupted one.
"""

from typing import final

import torch

from bench.core.seeds import stream
from bench.core.types import Counts, Pairs
from bench.lm.policy import Policy
from bench.samplers.base import Sampler


def epoch_slice(name: str, seed: int, step: int, batch: int, total: int) -> torch.Tensor:
    """Row indices of step `step`: batches walk through a new permutation of `total` rows each epoch.

    An epoch's last rows that fill no whole batch are left out of that epoch.
    """
    per_epoch = total // batch
    epoch, at = divmod(step, per_epoch)
    order = torch.randperm(total, generator=stream(name, seed, epoch))
    return order[at * batch : (at + 1) * batch]


@final
class StoredPairs(Sampler):
    """Offline: a fixed set of labelled pairs, in a new random order every epoch."""

    name = "offline"

    def __init__(self, pairs: Pairs, batch: int, seed: int) -> None:
        if batch > len(pairs):
            raise ValueError(f"batch {batch} is more than the {len(pairs)} stored pairs; use at most {len(pairs)}")
        self.pairs, self.batch, self.seed = pairs, batch, seed

    @property
    def steps_per_epoch(self) -> int:
        return len(self.pairs) // self.batch

    def draw(self, policy: Policy, step: int, counts: Counts) -> Pairs:
        index = epoch_slice("pairs.order", self.seed, step, self.batch, len(self.pairs))
        samples = self.pairs[index.to(self.pairs.ref_chosen_B.device)]
        counts.samples_seen += 2 * self.batch
        counts.labels_used = min(len(self.pairs), (step + 1) * self.batch)
        return samples

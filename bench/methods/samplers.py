"""Samplers: where pairs and rollouts come from.

`StoredPairs` is offline training; `OnPolicy` draws from the policy as it is now. Each step has its
own random stream, so a resumed run draws what an unbroken one would have drawn.
"""

from typing import final

import torch

from bench.core.seeds import seed_of, stream
from bench.core.types import Prompts, Score
from bench.lm.generate import generate_with_distributions
from bench.lm.kl import drawn_kl
from bench.lm.logprobs import gather
from bench.lm.model import Policy
from bench.methods.base import Counts, Pairs, Rollouts, Sampler


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
        self.pairs, self.batch, self.seed = pairs, min(batch, len(pairs)), seed

    @property
    def steps_per_epoch(self) -> int:
        return len(self.pairs) // self.batch

    def draw(self, policy: Policy, step: int, counts: Counts) -> Pairs:
        index = epoch_slice("pairs.order", self.seed, step, self.batch, len(self.pairs))
        drawn = self.pairs[index.to(self.pairs.ref_chosen_B.device)]
        counts.samples_seen += 2 * self.batch
        counts.labels_used = min(len(self.pairs), (step + 1) * self.batch)
        return drawn


@final
class OnPolicy(Sampler):
    """Online: `batch` fresh responses, `samples_per_prompt` to each prompt (adjacent rows), scored at once."""

    name = "on_policy"

    def __init__(
        self,
        prompts: Prompts,
        reference: Policy,
        score: Score,
        batch: int,
        max_new_tokens: int,
        eos_id: int,
        pad_id: int,
        seed: int,
        samples_per_prompt: int = 1,
    ) -> None:
        self.prompts, self.reference, self.score = prompts, reference, score
        self.prompts_per_step = min(batch // samples_per_prompt, len(prompts))
        self.samples_per_prompt = samples_per_prompt
        self.max_new_tokens, self.eos_id, self.pad_id, self.seed = max_new_tokens, eos_id, pad_id, seed

    @torch.no_grad()
    def draw(self, policy: Policy, step: int, counts: Counts) -> Rollouts:
        device = self.prompts.ids.device
        index = epoch_slice("prompts.order", self.seed, step, self.prompts_per_step, len(self.prompts)).to(device)
        prompts = self.prompts[index].repeat(self.samples_per_prompt)
        generator = torch.Generator(device).manual_seed(seed_of("rollout", self.seed, step))
        drawn, logps_BTV = generate_with_distributions(
            policy, prompts, self.max_new_tokens, self.eos_id, self.pad_id, generator
        )
        counts.samples_seen += len(drawn)
        counts.tokens_sampled += int(drawn.response_mask.sum())
        kl = drawn_kl(logps_BTV, self.reference, drawn)
        self.drawn_kl = float(kl.kl_B.double().mean())
        logps_BT = gather(logps_BTV, drawn.response_ids).masked_fill(~drawn.response_mask, 0.0)
        return Rollouts(drawn, self.score(drawn), logps_BT, kl.ref_logps_BT)

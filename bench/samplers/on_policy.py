"""Fresh responses of the policy as it is now, scored at once. Each step has a separate random stream."""

from typing import final

import torch

from bench.core.finite import OF_REWARD, demand_finite
from bench.core.seeds import seed_of
from bench.core.types import Counts, Prompts, Rollouts, Score
from bench.lm.generate import generate_with_distributions
from bench.lm.kl import drawn_kl
from bench.lm.logprobs import gather
from bench.lm.policy import Policy
from bench.samplers.base import Sampler
from bench.samplers.stored import epoch_slice


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
        self.prompts_per_step = batch // samples_per_prompt
        if self.prompts_per_step > len(prompts):
            raise ValueError(f"{self.prompts_per_step} prompts a step are more than the {len(prompts)} there are")
        self.samples_per_prompt = samples_per_prompt
        self.max_new_tokens, self.eos_id, self.pad_id, self.seed = max_new_tokens, eos_id, pad_id, seed

    @torch.no_grad()
    def draw(self, policy: Policy, step: int, counts: Counts) -> Rollouts:
        device = self.prompts.ids.device
        index = epoch_slice("prompts.order", self.seed, step, self.prompts_per_step, len(self.prompts)).to(device)
        prompts = self.prompts[index].repeat(self.samples_per_prompt)
        generator = torch.Generator(device).manual_seed(seed_of("rollout", self.seed, step))
        samples, logps_BTV = generate_with_distributions(
            policy, prompts, self.max_new_tokens, self.eos_id, self.pad_id, generator
        )
        counts.samples_seen += len(samples)
        counts.tokens_sampled += int(samples.response_mask.sum())
        kl = drawn_kl(logps_BTV, self.reference, samples)
        kl.demand_finite()
        self.drawn_kl = float(kl.kl_B.double().mean())
        logps_BT = gather(logps_BTV, samples.response_ids).masked_fill(~samples.response_mask, 0.0)
        score_B = self.score(samples)
        demand_finite("the reward", score_B, OF_REWARD)
        return Rollouts(samples, score_B, logps_BT, kl.ref_logps_BT)

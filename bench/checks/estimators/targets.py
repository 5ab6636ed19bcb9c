"""Checks that policy-gradient training from pi_ref, with the harness's loop, ends at pi_ref exp(r / beta).

Each method trains twice. `in_quotas` uses batches with every response in proportion to its probability, so that only
the optimiser is tested. `sampled` uses the sampler at default settings, with learning rates and batches for a table.
"""

from typing import final

import torch

from bench.checks.estimators.check import Check, Measured, at_most
from bench.checks.estimators.exact import SHORT, score_of, table_of, tilted, values_of
from bench.checks.estimators.world import (
    EOS,
    PAD,
    PROMPTS,
    T,
    TabularCritic,
    TabularPolicy,
    answers,
    distribution,
    exact_kl,
    prompts,
    responses,
)
from bench.core.seeds import stream
from bench.core.types import Counts, Rollouts
from bench.lm.logprobs import token_logps
from bench.lm.policy import Policy
from bench.losses.base import Loss
from bench.losses.ppo import PPO
from bench.losses.reinforce import Reinforce
from bench.methods.ppo import PPOConfig
from bench.methods.reinforce import ReinforceConfig
from bench.samplers.base import Sampler
from bench.samplers.on_policy import OnPolicy
from bench.training.loop import Trainer

BETA = 0.25
REFERENCE = TabularPolicy(0)
REWARD = table_of(3, 0.5)  # spread far from 1, so that whitening would be visible


@final
class Quotas(Sampler):
    """A sampler that repeats every response in proportion to its probability, shuffled within each prompt.

    Quotas are rounded up or down at random, so that they are unbiased. Rounding to the nearest would shift the target
    of a gradient without a baseline.
    """

    name = "quotas"

    @torch.no_grad()
    def __init__(self, rows_per_prompt: int) -> None:
        self.rows_per_prompt, every = rows_per_prompt, responses(SHORT)
        self.rows = answers([prompt for prompt in PROMPTS for _ in every], every * len(PROMPTS))
        self.score_B, self.ref_logps_BT = score_of(REWARD)(self.rows), token_logps(REFERENCE, self.rows)

    @torch.no_grad()
    def draw(self, policy: Policy, step: int, counts: Counts) -> Rollouts:
        assert isinstance(policy, TabularPolicy)
        index = []
        for i, prompt in enumerate(PROMPTS):
            generator = stream("selfcheck.quotas", *prompt, step)
            p = distribution(policy, prompt, SHORT)
            times = (self.rows_per_prompt * p + torch.rand(len(p), generator=generator)).floor().long()
            rows = (i * len(p) + torch.arange(len(p))).repeat_interleave(times)
            order = torch.randperm(len(rows), generator=generator)
            index.append(rows[order[: len(rows) // 2 * 2]])  # whole pairs, for leave-one-out
        each = Rollouts(self.rows, self.score_B, token_logps(policy, self.rows), self.ref_logps_BT)
        return each[torch.cat(index)]


def distance(policy: TabularPolicy, longest: int) -> float:
    """KL to pi_ref exp(r / beta), maximised over the two prompts."""
    wanted = (tilted(REFERENCE, p, values_of(REWARD, p, longest) / BETA, longest) for p in PROMPTS)
    return max(exact_kl(distribution(policy, p, longest), q) for p, q in zip(PROMPTS, wanted, strict=True))


def trained(sampler: Sampler, loss: Loss, longest: int, lr: float, steps: int) -> float:
    """Distance from the target after training. pi_ref starts half a nat away."""
    policy = TabularPolicy(0)
    assert distance(policy, longest) > 0.4
    trainer = Trainer(policy, sampler, loss, lr, PPOConfig().max_grad_norm, seed=0)
    for _ in range(steps):
        trainer.advance()
    return distance(policy, longest)


def ppo(longest: int, minibatch: int, whiten: bool) -> PPO:
    config = PPOConfig()
    clips = (config.clip, config.value_clip, config.gae_lambda)
    return PPO(TabularCritic(), BETA, minibatch, config.epochs, *clips, 0.05, longest, whiten)


def in_quotas(loss: Loss) -> Measured:
    """Distance after training in quotas. A beta wrong by 10% would end 5e-3 nats away; random rounding leaves less."""
    return at_most(1e-3, trained(Quotas(512), loss, SHORT, 0.15, 240))


def sampled(loss: Loss, samples_per_prompt: int, lr: float) -> Measured:
    """Distance after training on samples. Whitened advantages (PPO) are unit noise at the target, which leaves 1e-3."""
    rows = OnPolicy(prompts(256), REFERENCE, score_of(REWARD), 512, T, EOS, PAD, 0, samples_per_prompt)
    return at_most(4e-3, trained(rows, loss, T, lr, 150))


def sampled_rloo() -> Measured:
    G = ReinforceConfig().samples_per_prompt
    return sampled(Reinforce(BETA, "leave_one_out", G, T), G, 0.1)


CHECKS: dict[str, Check] = {
    "in quotas, PPO, unscaled": lambda: in_quotas(ppo(SHORT, 2048, False)),
    "in quotas, REINFORCE": lambda: in_quotas(Reinforce(BETA, "plain", 1, SHORT)),
    "in quotas, batch mean": lambda: in_quotas(Reinforce(BETA, "less_mean", 1, SHORT)),
    "in quotas, RLOO": lambda: in_quotas(Reinforce(BETA, "leave_one_out", 2, SHORT)),
    "sampled, PPO, default": lambda: sampled(ppo(T, 256, True), 1, 0.03),
    "sampled, RLOO, default": sampled_rloo,
}

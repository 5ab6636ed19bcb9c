"""Checks of training beyond its first update: minibatches, epochs, the optimiser, a resume.

The reference is a loop written out here: AdamW by its formulas, gradients clipped by their norm, the warm-up, and each
loss as a function of a row. Batches stay the same from step to step, so that ratios leave 1 and then the clips.
"""

import itertools
import math
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor

from bench.checks.estimators.check import Check, Measured, at_least, close
from bench.checks.estimators.exact import SHORT, Always, all_pairs
from bench.checks.estimators.policy_gradient import POLICY, REFERENCE
from bench.checks.estimators.training.clipping import BETA, PROMPT, batch
from bench.checks.estimators.world import T, TabularCritic, TabularPolicy, read_response, state
from bench.core.seeds import stream
from bench.losses.base import Loss
from bench.losses.ppo import PPO
from bench.losses.preference import Preference
from bench.methods.ppo import PPOConfig
from bench.training.loop import WARMUP_STEPS, Trainer

STEPS, EPOCHS, MINIBATCH, LR, CRITIC_LR, NORM, SEED = 4, 2, 16, 0.2, 0.05, 0.05, 5


def ppo() -> PPO:
    """Two epochs of three minibatches a step, with lambda 1 and advantages as they are."""
    clips = (PPOConfig().clip, PPOConfig().value_clip)
    return PPO(TabularCritic(), BETA, MINIBATCH, EPOCHS, *clips, 1.0, CRITIC_LR, T, whiten_advantages=False)


def trainer(kind: str, start: int = 1) -> Trainer:
    """A trainer of the harness, from the policy of that seed."""
    loss: Loss = ppo()
    sampler = Always(batch())
    if kind == "preference":
        loss, sampler = Preference("logistic", BETA), Always(all_pairs(REFERENCE, PROMPT, SHORT))
    return Trainer(TabularPolicy(start), sampler, loss, LR, NORM, SEED)


def weights(of: Trainer) -> Tensor:
    """All weights of policy and loss."""
    return torch.cat([p.detach().flatten() for module in (of.policy, of.loss) for p in module.parameters()])


class Adam:
    """Kingma and Ba 2015, algorithm 1, with PyTorch's constants, after clipping the gradient's norm."""

    def __init__(self, weight: Tensor) -> None:
        self.weight, self.m, self.v, self.t = weight, torch.zeros_like(weight), torch.zeros_like(weight), 0

    def move(self, gradient: Tensor, rate: float) -> None:
        norm = float((gradient**2).sum().sqrt())
        gradient = gradient * min(1.0, NORM / (norm + 1e-6))  # the 1e-6 is PyTorch's
        self.t += 1
        self.m = 0.9 * self.m + 0.1 * gradient
        self.v = 0.999 * self.v + 0.001 * gradient**2
        m, v = self.m / (1 - 0.9**self.t), self.v / (1 - 0.999**self.t)
        with torch.no_grad():
            self.weight -= rate * m / (v.sqrt() + 1e-8)


def row_loss(row: int, policy: TabularPolicy, values: Tensor, old: dict[str, Tensor]) -> Tensor:
    """PPO's loss of one response: its tokens' clipped gains and value errors, by cases, over T."""
    config, total = PPOConfig(), torch.zeros((), dtype=torch.float64)
    response = read_response(batch().sequences, row)
    for column, token in enumerate(response):
        before = state((*PROMPT, *response[:column]))
        logp = policy.logits[before].log_softmax(-1)[token]
        ratio, gain = (logp - old["logps"][row, column]).exp(), old["advantages"][row, column]
        stopped = (gain > 0 and ratio > 1 + config.clip) or (gain < 0 and ratio < 1 - config.clip)
        edge = 1 + math.copysign(config.clip, float(gain))
        total = total - (edge if stopped else ratio) * gain
        value, was, target = values[before], old["values"][row, column], old["returns"][row, column]
        move = float((value - was).detach())
        free, held = (value - target) ** 2, (was + math.copysign(config.value_clip, move) - target) ** 2
        total = total + (held if abs(move) > config.value_clip and held > free else free) / 2
    return total / T


@cache
def by_hand(steps: int) -> Tensor:
    """The weights of policy and critic after `steps` steps of the loop written out."""
    policy, values, rows = TabularPolicy(1), torch.zeros(TabularCritic().values.shape, dtype=torch.float64), batch()
    values.requires_grad_()
    movers = [(Adam(policy.logits), LR), (Adam(values), CRITIC_LR)]
    for step in range(steps):
        old = targets(values.detach())
        generator = stream("minibatches", SEED, step)
        for _ in range(EPOCHS):
            order = torch.randperm(len(rows), generator=generator).tolist()
            for at in range(0, len(order), MINIBATCH):
                part = order[at : at + MINIBATCH]
                loss = torch.stack([row_loss(row, policy, values, old) for row in part]).mean()
                gradients = torch.autograd.grad(loss, [policy.logits, values])
                for (mover, rate), gradient in zip(movers, gradients, strict=True):
                    mover.move(gradient, rate * (step + 1) / WARMUP_STEPS)
    return torch.cat([policy.logits.detach().flatten(), values.detach().flatten()])


def targets(values: Tensor) -> dict[str, Tensor]:
    """With lambda 1 a token's target is the sum of rewards from it on, and its advantage the target less the value."""
    rows = batch()
    mask = rows.sequences.response_mask
    rewards = -BETA * (rows.logps_BT - rows.ref_logps_BT) * mask
    rewards[torch.arange(len(rows)), rows.sequences.lengths - 1] += rows.score_B
    returns = rewards.flip(1).cumsum(1).flip(1) * mask
    old_values = torch.zeros_like(returns)
    for row in range(len(rows)):
        response = read_response(rows.sequences, row)
        for column in range(len(response)):
            old_values[row, column] = values[state((*PROMPT, *response[:column]))]
    return {"logps": rows.logps_BT, "values": old_values, "returns": returns, "advantages": returns - old_values}


def loop(steps: int) -> Measured:
    """Every weight after so many steps of two epochs. Adam divides by small numbers: rounding grows to 1e-11."""
    got = trainer("ppo")
    for _ in range(steps):
        got.advance()
    return close(by_hand(steps), weights(got), 1e-9)


def leaves_the_clip() -> Measured:
    """Share of tokens beyond the clip in the last step of that loop: the comparison reaches both sides of it."""
    got = trainer("ppo")
    return at_least(0.2, [got.advance() for _ in range(STEPS)][-1]["clip_share"])


def minibatches() -> Measured:
    """Visits to each row in each epoch: 1, in parts of MINIBATCH rows and a shorter one, in a new order."""
    rows, loss = batch(), ppo()
    ids = {read_response(rows.sequences, i): i for i in range(len(rows))}
    parts = list(loss.minibatches(POLICY, rows, stream("selfcheck.minibatches")))
    sizes = [len(part) for part in parts]
    visits = [[ids[read_response(part.sequences, i)] for i in range(len(part))] for part in parts]
    half = len(parts) // EPOCHS
    epochs = [list(itertools.chain(*visits[at : at + half])) for at in range(0, len(parts), half)]
    wanted = EPOCHS * [MINIBATCH] * (len(rows) // MINIBATCH) + EPOCHS * [len(rows) % MINIBATCH]
    right = sorted(sizes) == sorted(wanted) and epochs[0] != epochs[-1] and epochs[0] != sorted(epochs[0])
    each = np.concatenate([np.bincount(epoch, minlength=len(rows)) for epoch in epochs])
    return close(1.0, each if right else 0.0, 0.0)


def resumed(kind: str) -> Measured:
    """Weights of a run stopped after two steps and continued from its file by another trainer. To the bit."""
    unbroken, first, second = trainer(kind), trainer(kind), trainer(kind, start=2)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "state.safetensors"
        for _ in range(2):
            first.advance()
        rest = first.save(file)
        second.advance()  # moments and counts that must be replaced
        second.load(file, rest)
    for _ in range(STEPS):
        unbroken.advance()
    for _ in range(STEPS - 2):
        second.advance()
    return close(weights(unbroken), weights(second), 0.0)


def pace_is_a_rate() -> Measured:
    """Under a constant gradient Adam moves by its rate: the first step of a trainer at pace 1 over that at pace .25."""
    moved = []
    for pace in (1.0, 0.25):
        run = trainer("preference")
        before, run.pace = weights(run), pace
        run.advance()
        moved.append(float((weights(run) - before).abs().max()))
    return close(4.0, moved[0] / moved[1], 1e-9)


CHECKS: dict[str, Check] = {
    "each epoch visits each row once": minibatches,
    "PPO's loop, one step": partial(loop, 1),
    "PPO's loop, four steps": partial(loop, STEPS),
    "that loop leaves the clip": leaves_the_clip,
    "resumed, PPO": partial(resumed, "ppo"),
    "resumed, preference": partial(resumed, "preference"),
    "pace multiplies the rate": pace_is_a_rate,
}

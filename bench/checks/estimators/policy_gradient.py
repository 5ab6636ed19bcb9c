"""Checks of PPO, REINFORCE, RLOO and GRPO: expected gradients and their variance. `targets` checks full training.

The objective is E[r] - beta KL, with optimum pi_ref exp(r / beta). Its gradient comes from central differences of
plain-Python probabilities. Expectations enumerate the 13 responses of each toy prompt, or every pair of them.
"""

import itertools
import math
from collections.abc import Iterator
from functools import cache, partial

import torch
from torch import Tensor

from bench.checks.estimators.check import Check, Measured, at_most, close
from bench.checks.estimators.exact import SHORT, Prompt, numeric_gradient, score_of, table_of, values_of
from bench.checks.estimators.world import (
    EOS,
    PROMPTS,
    STATES,
    Response,
    T,
    TabularCritic,
    TabularPolicy,
    V,
    distribution,
    exact_kl,
    responses,
    sequences,
    state,
)
from bench.core.seeds import stream
from bench.core.types import Rollouts
from bench.lm.logprobs import token_logps
from bench.losses.advantages import gae, token_rewards
from bench.losses.base import Loss
from bench.losses.ppo import PPO
from bench.losses.reinforce import Reinforce
from bench.methods.ppo import PPOConfig

BETA = 0.5
REFERENCE, POLICY = TabularPolicy(0), TabularPolicy(1)
REWARD = table_of(3)
CLOSE = 1e-9  # the accuracy of central differences


def objective(policy: TabularPolicy) -> float:
    """E[r] - beta KL, averaged over prompts."""
    total = 0.0
    for prompt in PROMPTS:
        p, q = (distribution(x, prompt, SHORT) for x in (policy, REFERENCE))
        total += float(p @ values_of(REWARD, prompt, SHORT)) - BETA * exact_kl(p, q)
    return total / len(PROMPTS)


@cache
def exact_gradient() -> Tensor:
    """Exact gradient of the minimised loss: minus the objective, divided by the horizon."""
    return -numeric_gradient(objective, POLICY, PROMPTS, SHORT) / SHORT


def rollouts(prompt: Prompt, sampled: list[Response], shift: float = 0.0) -> Rollouts:
    """The sampler's rollouts for these responses."""
    rows = sequences(prompt, sampled)
    with torch.no_grad():
        logps = (token_logps(x, rows) for x in (POLICY, REFERENCE))
        return Rollouts(rows, score_of(REWARD)(rows) + shift, *logps)


def draws(size: int, shift: float = 0.0) -> Iterator[tuple[float, Rollouts]]:
    """Every batch of `size` responses to one prompt, with its probability."""
    for prompt in PROMPTS:
        p = dict(zip(responses(SHORT), distribution(POLICY, prompt, SHORT).tolist(), strict=True))
        for sampled in itertools.product(p, repeat=size):
            chance = 1.0 / len(PROMPTS)
            for response in sampled:
                chance *= p[response]
            yield chance, rollouts(prompt, list(sampled), shift)


def moments(loss: Loss, size: int, shift: float = 0.0) -> tuple[Tensor, float]:
    """Exact mean and variance (trace) of the loss's gradient in the policy, over all batches."""
    mean, square = torch.zeros(STATES, V, dtype=torch.float64), 0.0
    for chance, batch in draws(size, shift):
        (part,) = loss.minibatches(POLICY, batch, stream("selfcheck"))
        (gradient,) = torch.autograd.grad(loss(POLICY, part)[0], POLICY.logits)
        mean += chance * gradient
        square += chance * float((gradient**2).sum())
    return mean, square - float((mean**2).sum())


@cache
def reinforce(advantage: str, shift: float = 0.0) -> tuple[Tensor, float]:
    return moments(Reinforce(BETA, advantage, 2, SHORT), 2, shift)


def expected_reinforce(advantage: str) -> Measured:
    """Mean over every pair of samples. A batch-mean baseline contains the row itself, a factor (B - 1) / B = 1/2."""
    factor = 0.5 if advantage == "less_mean" else 1.0
    return close(factor * exact_gradient(), reinforce(advantage)[0], CLOSE)


def two_by_sign(policy: TabularPolicy) -> float:
    """GRPO's surrogate with two samples per prompt. Samples and advantages come from POLICY, detached.

    Two scores, standardized by their mean and sd, are 1 and -1 at any distance, and 0 if equal. Half the difference of
    the penalties is subtracted. All in plain Python.
    """
    total = 0.0
    for prompt in PROMPTS:
        p, q, new = (distribution(x, prompt, SHORT) for x in (POLICY, REFERENCE, policy))
        score, penalty = values_of(REWARD, prompt, SHORT), BETA * (p / q).log()
        sign = (score[:, None] - score[None, :]).sign()
        advantage = sign - (penalty[:, None] - penalty[None, :]) / 2
        total += float((p[:, None] * p[None, :] * advantage * new.log()[:, None]).sum())
    return total / len(PROMPTS)


def expected_grpo() -> Measured:
    """Mean over every pair of samples, against central differences of the surrogate."""
    return close(
        -numeric_gradient(two_by_sign, TabularPolicy(1), PROMPTS, SHORT) / SHORT,
        reinforce("group_standardized")[0],
        CLOSE,
    )


def shifted(advantage: str) -> Measured:
    """The expected gradient is invariant to a shift of the score by 3. Rounding: 338 terms."""
    return close(reinforce(advantage)[0], reinforce(advantage, 3.0)[0], 1e-12)


def less_variance() -> Measured:
    """Ratio of gradient variances, RLOO over plain REINFORCE, with scores shifted by 3."""
    return at_most(0.5, reinforce("leave_one_out", 3.0)[1] / reinforce("plain", 3.0)[1])


def exact_critic(policy: TabularPolicy, longest: int) -> TabularCritic:
    """Exact state values of a policy, by recursion. Ended states hold 7 and must never be read."""
    critic = TabularCritic()
    values = 7.0 + torch.zeros(STATES, dtype=torch.float64)

    def value(prompt: Prompt, head: Response) -> float:
        here = state((*prompt, *head))
        p, q = (x.logits[here].detach().softmax(-1).tolist() for x in (policy, REFERENCE))
        total = 0.0
        for token in range(V):
            extended = (*head, token)
            ended = token == EOS or len(extended) == longest
            after = REWARD[state((*prompt, *extended))].item() if ended else value(prompt, extended)
            total += p[token] * (after - BETA * math.log(p[token] / q[token]))
        values[here] = total
        return total

    for prompt in PROMPTS:
        value(prompt, ())
    critic.values.data.copy_(values)
    return critic


def ppo(critic: TabularCritic, lam: float, horizon: int, whiten: bool = False, minibatch: int = 64) -> PPO:
    """PPO with default settings, except for a critic learning rate that suits a table."""
    config = PPOConfig()
    return PPO(critic, BETA, minibatch, config.epochs, config.clip, config.value_clip, lam, 0.05, horizon, whiten)


def expected_ppo(kind: str, lam: float) -> Measured:
    """Expected gradient at ratio 1: exact for any critic at lambda 1, and for the exact critic at any lambda."""
    critic = exact_critic(POLICY, SHORT)
    if kind == "wrong":
        critic.values.data.copy_(table_of(8, 2.0))
    return close(exact_gradient(), moments(ppo(critic, lam, SHORT), 1)[0], CLOSE)


def advantages(lam: float) -> Measured:
    """With exact values the expected advantage of every token position is 0. Tolerance: rounding."""
    critic, worst = exact_critic(POLICY, T), []
    for prompt in PROMPTS:
        rows = sequences(prompt, responses())
        with torch.no_grad():
            logps_BT, ref_BT = (token_logps(x, rows) for x in (POLICY, REFERENCE))
            rewards_BT = token_rewards(score_of(REWARD)(rows), logps_BT, ref_BT, rows.response_mask, BETA)
            got_BT = gae(rewards_BT, critic(rows), rows.response_mask, lam)
        worst.append(distribution(POLICY, prompt) @ got_BT)
    return close(0.0, torch.cat(worst), 1e-12)


def rewards_sum() -> Measured:
    """Token rewards of a response sum to r - beta log(pi / pi_ref), in plain Python. Tolerance: rounding."""
    rows = sequences(PROMPTS[0], responses())
    with torch.no_grad():
        logps_BT, ref_BT = (token_logps(x, rows) for x in (POLICY, REFERENCE))
    got = token_rewards(score_of(REWARD)(rows), logps_BT, ref_BT, rows.response_mask, BETA).sum(1)
    ratio = distribution(POLICY, PROMPTS[0]) / distribution(REFERENCE, PROMPTS[0])
    return close(values_of(REWARD, PROMPTS[0]) - BETA * ratio.log(), got, 1e-12)


CHECKS: dict[str, Check] = {
    "rewards sum to r - beta log-ratio": rewards_sum,
    "expected gradient, REINFORCE": partial(expected_reinforce, "plain"),
    "expected gradient, batch mean": partial(expected_reinforce, "less_mean"),
    "expected gradient, RLOO": partial(expected_reinforce, "leave_one_out"),
    "expected gradient, shifted, REINFORCE": partial(shifted, "plain"),
    "expected gradient, shifted, RLOO": partial(shifted, "leave_one_out"),
    "expected gradient, shifted, GRPO": partial(shifted, "group_standardized"),
    "expected gradient, GRPO of two": expected_grpo,
    "variance, RLOO over REINFORCE": less_variance,
    "expected gradient, PPO, wrong critic": partial(expected_ppo, "wrong", 1.0),
    "expected gradient, PPO, exact critic": partial(expected_ppo, "exact", 0.7),
    "advantages by exact values, lambda 0": partial(advantages, 0.0),
    "advantages by exact values, lambda .7": partial(advantages, 0.7),
    "advantages by exact values, lambda 1": partial(advantages, 1.0),
}

"""Checks of PPO away from its fixed point: the clipped surrogate, the critic's target and its clip, their gradients.

Expected values come from case analysis in plain Python: no minimum, maximum or clamp. Gradients of log-probs are those
of a softmax, 1[k = token] - p_k.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial

import torch
from torch import Tensor

from bench.checks.estimators.check import Check, Measured, close
from bench.checks.estimators.exact import table_of
from bench.checks.estimators.policy_gradient import POLICY, REFERENCE, REWARD, ppo, rollouts
from bench.checks.estimators.world import (
    PROMPTS,
    STATES,
    T,
    TabularCritic,
    TabularPolicy,
    V,
    probability,
    responses,
    sequences,
    state,
)
from bench.core.types import Rollouts
from bench.lm.logprobs import token_logps
from bench.losses.ppo import Experience
from bench.methods.ppo import PPOConfig

PROMPT, BETA = PROMPTS[1], 0.5
CLIP, VALUE_CLIP = PPOConfig().clip, PPOConfig().value_clip
RATIOS = (0.5, 1 - CLIP - 0.01, 1 - CLIP + 0.01, 1.0, 1 + CLIP - 0.01, 1 + CLIP + 0.01, 1.5)
ADVANTAGES = (2.0, 0.5, -0.5, -2.0, 1.0)
MOVES = (-2.0, -1.1, -0.9, -0.5, 0.0, 0.5, 0.9, 1.1, 2.0)  # of the critic since the batch was drawn, in VALUE_CLIPs
GAPS = (-3.0, -1.2, 0.0, 1.2, 3.0, -0.4, 0.4)  # of the return from the old value, in VALUE_CLIPs


@dataclass(frozen=True)
class Token:
    """One token: where it stands, the state before it, and its ratio, advantage, values and return."""

    row: int
    column: int
    before: int
    token: int
    ratio: float
    advantage: float
    value: float
    old_value: float
    target: float


@cache
def tokens() -> list[Token]:
    """Every token of every response. Ratios meet advantages, and the critic's moves meet gaps, in all combinations."""
    values = table_of(11)
    pairs = itertools.cycle(itertools.product(RATIOS, ADVANTAGES))
    others = itertools.cycle(itertools.product(MOVES, GAPS))
    found = []
    for row, response in enumerate(responses()):
        for column, token in enumerate(response):
            before = state((*PROMPT, *response[:column]))
            (ratio, advantage), (move, gap) = next(pairs), next(others)
            old = values[before].item() - VALUE_CLIP * move
            held = (ratio, advantage, values[before].item(), old, old + VALUE_CLIP * gap)
            found.append(Token(row, column, before, token, *held))
    return found


def experience() -> tuple[Experience, TabularCritic]:
    """The loss's input that holds these ratios, and the critic that holds these values. Padding is filled with 9."""
    rows = sequences(PROMPT, responses())
    logps_BT = token_logps(POLICY, rows).detach()
    tables = [torch.full_like(logps_BT, 9.0) for _ in range(4)]
    for t in tokens():
        old_logp = logps_BT[t.row, t.column].item() - math.log(t.ratio)
        for table, number in zip(tables, (old_logp, t.old_value, t.advantage, t.target), strict=True):
            table[t.row, t.column] = number
    critic = TabularCritic()
    critic.values.data.copy_(table_of(11))
    return Experience(rows, *tables), critic


def surrogate(t: Token) -> tuple[float, float]:
    """The gain, and its slope in log pi: a gain beyond the clip is constant, a loss beyond it is not."""
    if t.advantage > 0 and t.ratio > 1 + CLIP:
        return (1 + CLIP) * t.advantage, 0.0
    if t.advantage < 0 and t.ratio < 1 - CLIP:
        return (1 - CLIP) * t.advantage, 0.0
    return t.ratio * t.advantage, t.ratio * t.advantage


def squared_error(t: Token) -> tuple[float, float]:
    """The critic's error, and half its slope in the value: a value held back at the clip counts if it is farther."""
    free = t.value - t.target
    move = t.value - t.old_value
    if abs(move) > VALUE_CLIP:
        held = t.old_value + math.copysign(VALUE_CLIP, move) - t.target
        if abs(held) > abs(free):
            return held**2, 0.0
    return free**2, free


def logged(name: str, of_token: Callable[[Token], float], per_token: bool) -> Measured:
    """A number the loss logs: a sum over tokens, averaged over rows and divided by T, or a mean over tokens."""
    made, critic = experience()
    total = sum(map(of_token, tokens()))
    want = total / len(tokens()) if per_token else total / len(made) / T
    return close(want, ppo(critic, 1.0, T)(POLICY, made)[1][name], 1e-6 if name == "clip_share" else 1e-12)


def gradient(of: str) -> Measured:
    """The gradient in every logit, or in every value, of one call of the loss. Rounding: 120 terms."""
    made, critic = experience()
    policy = TabularPolicy(1)
    total, _ = ppo(critic, 1.0, T)(policy, made)
    policy_gradient, critic_gradient = torch.autograd.grad(total, [policy.logits, critic.values])
    want = torch.zeros(STATES, V, dtype=torch.float64) if of == "policy" else torch.zeros(STATES, dtype=torch.float64)
    for t in tokens():
        if of == "policy":
            p = POLICY.logits[t.before].detach().softmax(-1)
            p[t.token] -= 1
            want[t.before] += surrogate(t)[1] * p / len(made) / T
        else:
            want[t.before] += squared_error(t)[1] / len(made) / T
    return close(want, policy_gradient if of == "policy" else critic_gradient, 1e-12)


def batch() -> Rollouts:
    return rollouts(PROMPT, responses())


def lambda_returns(critic: Tensor, lam: float) -> Iterator[tuple[int, int, float]]:
    """The critic's targets by recursion: G_t = r_t + (1 - lambda) V(t+1) + lambda G(t+1), nothing after the end."""
    for row, response in enumerate(responses()):
        after = next_value = 0.0
        for column in reversed(range(len(response))):
            head, here = response[: column + 1], state((*PROMPT, *response[:column]))
            step = probability(POLICY, PROMPT, head) / probability(POLICY, PROMPT, head[:-1])
            reference = probability(REFERENCE, PROMPT, head) / probability(REFERENCE, PROMPT, head[:-1])
            reward = -BETA * math.log(step / reference)
            if column == len(response) - 1:
                reward += REWARD[state((*PROMPT, *response))].item()
            after = reward + (1 - lam) * next_value + lam * after
            next_value = critic[here].item()
            yield row, column, after


def value_target(lam: float, whiten: bool) -> Measured:
    """Every target of a critic that is wrong, by the recursion above. Whitening advantages leaves targets alone."""
    critic = TabularCritic()
    critic.values.data.copy_(table_of(8, 2.0))
    got_BT = ppo(critic, lam, T, whiten).experience(batch()).returns_BT
    rows = list(lambda_returns(critic.values.detach(), lam))
    return close([want for *_, want in rows], [got_BT[row, column].item() for row, column, _ in rows], 1e-12)


def advantage_is_target_less_value(whiten: bool) -> Measured:
    """Advantages are targets less old values; whitened, they have mean 0 and sd 1 over the tokens, by hand."""
    critic = TabularCritic()
    critic.values.data.copy_(table_of(8, 2.0))
    made = ppo(critic, 0.7, T, whiten).experience(batch())
    at = [(row, column) for row, column, _ in lambda_returns(critic.values.detach(), 0.7)]
    want = []
    for row, column, target in lambda_returns(critic.values.detach(), 0.7):
        before = state((*PROMPT, *responses()[row][:column]))
        want.append(target - critic.values[before].item())
    if whiten:
        mean = sum(want) / len(want)
        sd = math.sqrt(sum((x - mean) ** 2 for x in want) / len(want))
        want = [(x - mean) / sd for x in want]
    return close(want, [made.advantages_BT[cell].item() for cell in at], 1e-12)


CHECKS: dict[str, Check] = {
    "clipped surrogate": partial(logged, "policy_loss", lambda t: -surrogate(t)[0], False),
    "clipped surrogate, gradient": partial(gradient, "policy"),
    "share of clipped tokens": partial(logged, "clip_share", lambda t: float(not 1 - CLIP < t.ratio < 1 + CLIP), True),
    "k3 to the policy that drew": partial(logged, "old_kl", lambda t: t.ratio - 1 - math.log(t.ratio), True),
    "clipped value error": partial(logged, "value_loss", lambda t: squared_error(t)[0] / 2, False),
    "clipped value error, gradient": partial(gradient, "critic"),
    "value targets, lambda 0": partial(value_target, 0.0, False),
    "value targets, lambda .7": partial(value_target, 0.7, False),
    "value targets, lambda 1": partial(value_target, 1.0, False),
    "value targets, whitened": partial(value_target, 0.7, True),
    "advantages are targets less values": partial(advantage_is_target_less_value, False),
    "advantages, whitened": partial(advantage_is_target_less_value, True),
}

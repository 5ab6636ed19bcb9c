"""Checks of the preference losses' population minimisers, with enumerated expectations.

The population: 13 responses to one prompt, pairs of two samples of mu, Bradley-Terry labels, and every ordered pair
weighted by its probability. `Preference.forward` is unchanged; only f of each pair is multiplied by the pair's weight.
"""

from functools import cache, partial

import numpy as np
import torch
from scipy.optimize import linprog
from torch import Tensor

from bench.checks.estimators.check import Check, Measured, at_least, at_most, close
from bench.checks.estimators.exact import (
    SHORT,
    Always,
    Prompt,
    all_pairs,
    bradley_terry,
    pair_weights,
    policy_of,
    score_of,
    table_of,
    tilted,
    values_of,
)
from bench.checks.estimators.world import PROMPTS, TabularPolicy, distribution, exact_kl, read_response, responses
from bench.lm.logprobs import sequence_logps
from bench.losses.likelihood import Likelihood, better_first
from bench.losses.preference import Preference
from bench.training.loop import Trainer

PROMPT: Prompt = PROMPTS[1]
BETA = 0.5
N = len(responses(SHORT))
REFERENCE = TabularPolicy(0)
MILD, WILD = 0.7, 2.5  # reward spreads: with MILD all P(y > mu) are within 1/2 of each other, with WILD not
CLOSED_FORM = ("logistic", "exponential", "savage", "squared", "truncated_quadratic")
UNBOUNDED = ("logistic", "exponential", "savage")  # no finite minimiser for argmax labels


@cache
def population(spread: float, mu: str = "skewed") -> tuple[Tensor, Tensor, Tensor]:
    """Rewards, mu and P(a > b) over the 13 responses."""
    rewards = values_of(table_of(3, spread), PROMPT, SHORT)
    weights = values_of(table_of(4), PROMPT, SHORT).exp() if mu == "skewed" else torch.ones(N, dtype=torch.float64)
    return rewards, weights / weights.sum(), bradley_terry(rewards)


def weighted(f: str, beta: float, weights: Tensor) -> Preference:
    """A loss whose value on `all_pairs` is the weighted sum of f(beta rho).

    In training it reads the pairs whose sides differ: the others add a constant.
    """
    loss, differ = Preference(f, beta), ~torch.eye(N).bool().flatten()
    inner = loss.f

    def summed(x: Tensor) -> Tensor:
        return len(x) * (weights if len(x) == len(weights) else weights[differ]) * inner(x)

    loss.f = summed
    return loss


def expected(f: str, policy: TabularPolicy, beta: float, weights: Tensor) -> Tensor:
    """E[f(beta rho)] over labelled pairs."""
    return weighted(f, beta, weights)(policy, all_pairs(REFERENCE, PROMPT))[0]


def wins(spread: float, mu: str = "skewed") -> Tensor:
    """P(y > mu) of each response."""
    _, weights, p = population(spread, mu)
    return p @ weights


def minimiser(f: str, spread: float, mu: str = "skewed") -> Tensor:
    """The population minimiser in closed form."""
    exponents = {
        "logistic": population(spread, mu)[0] / BETA,
        "savage": population(spread, mu)[0] / BETA,
        "exponential": population(spread, mu)[0] / (2 * BETA),
        "squared": 2 * wins(spread, mu) / BETA,
        "truncated_quadratic": 2 * wins(spread, mu) / BETA,
    }
    return tilted(REFERENCE, PROMPT, exponents[f], SHORT)


def slope_there(f: str, spread: float, mu: str) -> Tensor:
    """Gradient of the expected loss at the closed-form minimiser."""
    policy = policy_of({PROMPT: minimiser(f, spread, mu)}, SHORT)
    _, weights, p = population(spread, mu)
    (gradient,) = torch.autograd.grad(expected(f, policy, BETA, pair_weights(weights, p)), policy.logits)
    return gradient


def stationary(f: str, mu: str) -> Measured:
    """The gradient vanishes at the minimiser; for convex f this proves the minimum. Rounding: 169 terms of order .1."""
    return close(0.0, slope_there(f, MILD, mu), 1e-13)


def trained(f: str) -> Measured:
    """KL from the policy trained from pi_ref to the minimiser. A beta wrong by 2% would cost about 1e-4."""
    _, mu, p = population(MILD)
    policy = train(f, pair_weights(mu, p), 200)
    return at_most(1e-7, exact_kl(distribution(policy, PROMPT, SHORT), minimiser(f, MILD)))


def train(f: str, weights: Tensor, steps: int, lr: float = 0.1, losses: list[float] | None = None) -> TabularPolicy:
    """Train from pi_ref on the whole population at every step, with a learning rate that decays to 0."""
    policy = TabularPolicy(0)
    pairs = all_pairs(REFERENCE, PROMPT)
    trainer = Trainer(policy, Always(pairs), weighted(f, BETA, weights), lr, 1e9, seed=0)
    for step in range(steps):
        trainer.pace = 1 - step / steps
        info = trainer.advance()
        if losses is not None:
            losses.append(info["loss"])
    return policy


def truncated_beyond() -> Measured:
    """If some P(y > mu) differ by more than 1/2, the truncated quadratic has another minimiser: the slope is not 0."""
    assert float(wins(WILD).max() - wins(WILD).min()) > 0.5 > float(wins(MILD).max() - wins(MILD).min())
    return at_least(1e-3, float(slope_there("truncated_quadratic", WILD, "skewed").abs().max()))


def hinge_program(beta: float, weights: np.ndarray) -> tuple[float, np.ndarray]:
    """min over h of sum w_ab max(0, 1 - beta (h_a - h_b)), as a linear program in h with one slack per pair."""
    pairs = [(a, b) for a in range(N) for b in range(N)]
    rows = np.zeros((len(pairs), N + len(pairs)))
    for k, (a, b) in enumerate(pairs):  # 1 - beta (h_a - h_b) <= slack
        rows[k, a] -= beta
        rows[k, b] += beta
        rows[k, N + k] = -1.0
    cost = np.concatenate([np.zeros(N), weights])
    bounds = [(None, None)] * N + [(0, None)] * len(pairs)
    solved = linprog(cost, rows, -np.ones(len(pairs)), bounds=bounds, method="highs")
    return solved.fun, solved.x[:N]


@cache
def hinge_answer() -> tuple[float, Tensor, Tensor]:
    """The linear program's value, its policy and the pairs' weights."""
    _, mu, p = population(MILD)
    weights = pair_weights(mu, p)
    value, h = hinge_program(BETA, weights.numpy())
    return value, tilted(REFERENCE, PROMPT, torch.tensor(h), SHORT), weights


def hinge_value() -> Measured:
    """The expected loss at the linear program's solution equals its value. HiGHS is accurate to 1e-7."""
    value, p, weights = hinge_answer()
    return close(value, expected("hinge", policy_of({PROMPT: p}, SHORT), BETA, weights).item(), 1e-7)


def hinge_trained() -> Measured:
    """The lowest loss in training, against the linear program's value. Training oscillates around the kinks."""
    value, _, weights = hinge_answer()
    losses: list[float] = []
    train("hinge", weights, 300, 0.1, losses)
    left_out = float(weights.view(N, N).diagonal().sum())  # pairs of equal sides, whose hinge is 1
    return close(value - left_out, min(losses), 1e-4)


def growth(f: str, labels: str) -> Measured:
    """Share of twelve checkpoints, fifteen steps apart, at which the range of log-ratios has grown.

    With argmax labels the loss has no finite minimiser, so it always grows. With Bradley-Terry labels it settles.
    """
    rewards, mu, p = population(MILD)
    if labels == "argmax":
        p = ((rewards[:, None] - rewards[None, :]).sign() + 1) / 2
    policy, loss, steps, sizes = TabularPolicy(0), weighted(f, BETA, pair_weights(mu, p)), 180, []
    trainer = Trainer(policy, Always(all_pairs(REFERENCE, PROMPT)), loss, 0.2, 1e9, seed=0)
    for step in range(1, steps + 1):
        trainer.advance()
        if step % 15 == 0:
            h = (distribution(policy, PROMPT, SHORT) / distribution(REFERENCE, PROMPT, SHORT)).log()
            sizes.append(float(h.max() - h.min()))
    share = float(np.mean(np.diff([0.0, *sizes]) > 0.01 * sizes[0]))
    return close(1.0, share, 0.0) if labels == "argmax" else at_most(0.5, share)


def imitation(target: str) -> Measured:
    """Largest slope of the likelihood at its target distribution, for pairs of two pi_ref samples.

    chosen: 2 mu(y) P(y > mu). best_of_2: F(y)^2 - F(y-)^2, with F the cumulative distribution of pi_ref's rewards.
    """
    rewards, _, p = population(MILD)
    mu, pairs = distribution(REFERENCE, PROMPT, SHORT), all_pairs(REFERENCE, PROMPT)
    if target == "chosen":
        weights, wanted = pair_weights(mu, p), 2 * mu * (p @ mu)
    else:
        pairs = better_first(pairs, score_of(table_of(3, MILD)))
        weights = (mu[:, None] * mu[None, :]).flatten()
        below = torch.stack([mu[rewards < r].sum() for r in rewards])
        wanted = (below + mu) ** 2 - below**2
    policy = policy_of({PROMPT: wanted}, SHORT)
    logps_B = sequence_logps(policy, pairs.chosen)
    assert torch.equal(Likelihood(target, SHORT)(policy, pairs)[0], -logps_B.mean() / SHORT)
    return close(0.0, torch.autograd.grad(-(weights @ logps_B), policy.logits)[0], 1e-13)


def best_of_two_kl() -> Measured:
    """KL of the target of best-of-2 distillation: at most log 2 - 1/2. The gap depends on the largest probabilities."""
    rewards, mu = population(MILD)[0], distribution(REFERENCE, PROMPT, SHORT)
    pairs = better_first(all_pairs(REFERENCE, PROMPT), score_of(table_of(3, MILD)))
    weights, keys = (mu[:, None] * mu[None, :]).flatten(), responses(SHORT)
    share = torch.zeros(N, dtype=torch.float64)
    for row, weight in enumerate(weights.tolist()):
        share[keys.index(read_response(pairs.chosen, row))] += weight
    assert (share.argsort() != mu.argsort()).any()
    assert len(set(rewards.tolist())) == N
    return at_most(float(np.log(2) - 0.5), exact_kl(share, mu))


CHECKS: dict[str, Check] = {
    **{f"slope at the minimiser, {f}": partial(stationary, f, "skewed") for f in CLOSED_FORM},
    **{f"slope there, uniform mu, {f}": partial(stationary, f, "uniform") for f in CLOSED_FORM},
    **{f"training reaches it, {f}": partial(trained, f) for f in CLOSED_FORM},
    "truncated quadratic beyond 1/2": truncated_beyond,
    "value of the linear program, hinge": hinge_value,
    "training reaches it, hinge": hinge_trained,
    **{f"slope at what is imitated, {t}": partial(imitation, t) for t in ("chosen", "best_of_2")},
    "KL of best-of-2 distillation": best_of_two_kl,
    **{f"argmax labels grow on, {f}": partial(growth, f, "argmax") for f in UNBOUNDED},
    **{f"Bradley-Terry labels settle, {f}": partial(growth, f, "bradley_terry") for f in UNBOUNDED},
}

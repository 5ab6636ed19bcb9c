"""Checks of on-policy preference learning: gradient identities, fixed points, sampled training, exact replay.

No gradient flows through the sampling distribution: pairs have the probabilities of a detached policy.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from bench.checks.estimators.check import Check, Measured, at_least, at_most, close, mean_is
from bench.checks.estimators.exact import (
    SHORT,
    all_pairs,
    bradley_terry,
    joined,
    numeric_gradient,
    pair_weights,
    policy_of,
    score_of,
    table_of,
    tilted,
    values_of,
)
from bench.checks.estimators.minimisers import BETA, PROMPT, REFERENCE, expected
from bench.checks.estimators.world import EOS, PAD, TabularPolicy, distribution, exact_kl, prompts
from bench.core.seeds import stream
from bench.core.types import Counts
from bench.losses.preference import Preference, logratios
from bench.samplers.base import Sampler
from bench.samplers.on_policy import OnPolicy
from bench.samplers.online import OnlinePairs, Rounds, first_is_chosen
from bench.samplers.replay import Recorder, Replay
from bench.training.loop import Trainer

REWARD = table_of(3, 1.5)
BEATS = bradley_terry(values_of(REWARD, PROMPT, SHORT))
CLOSE = 1e-8  # for gradients of order 1; central differences are accurate to 1e-9


def here(policy: TabularPolicy) -> Tensor:
    return distribution(policy, PROMPT, SHORT)


def gradient_of_margins(function: Callable[[Tensor], Tensor], weights: Tensor) -> Tensor:
    """Gradient, at a fixed policy, of the weighted sum of a function of rho over every ordered pair."""
    policy = TabularPolicy(1)
    chosen_B, rejected_B = logratios(policy, all_pairs(REFERENCE, PROMPT))
    return torch.autograd.grad(weights @ function(chosen_B - rejected_B), policy.logits)[0]


def half_square() -> Measured:
    """Identity: grad (1/2) E[rho^2] = 2 grad KL."""
    p = here(TabularPolicy(1))
    got = gradient_of_margins(lambda rho: rho**2 / 2, (p[:, None] * p[None, :]).flatten())
    q = here(REFERENCE)
    return close(2 * numeric_gradient(lambda x: exact_kl(here(x), q), TabularPolicy(1), [PROMPT], SHORT), got, CLOSE)


def margin() -> Measured:
    """Identity: E[grad rho] = 4 grad P(pi > detached pi), with rho of labelled pairs."""
    p = here(TabularPolicy(1))
    got = gradient_of_margins(lambda rho: rho, pair_weights(p, BEATS))
    want = numeric_gradient(lambda x: float(here(x) @ BEATS @ p), TabularPolicy(1), [PROMPT], SHORT)
    return close(4 * want, got, CLOSE)


def slope_at(f: str, p: Tensor) -> Tensor:
    """Gradient of the expected loss at a policy p on pairs sampled from p."""
    policy = policy_of({PROMPT: p}, SHORT)
    return torch.autograd.grad(expected(f, policy, BETA, pair_weights(p, BEATS)), policy.logits)[0]


def optimum() -> Tensor:
    """The optimum of E[r] - beta KL: pi_ref exp(r / beta), normalised."""
    return tilted(REFERENCE, PROMPT, values_of(REWARD, PROMPT, SHORT) / BETA, SHORT)


def nash() -> Tensor:
    """The solution of pi = pi_ref exp(2 P(y > pi) / beta), by iteration, which is a contraction here."""
    p = here(REFERENCE)
    for _ in range(200):
        p = tilted(REFERENCE, PROMPT, 2 * (BEATS @ p) / BETA, SHORT)
    return p


def fixed_point(f: str, p: Tensor) -> Measured:
    """The gradient vanishes at p. Rounding: 169 terms and 200 iterations."""
    return close(0.0, slope_at(f, p), 1e-13)


def nash_is_not_ipo() -> Measured:
    """Slope of the online squared loss at the minimiser of offline IPO on pi_ref's pairs: not a fixed point."""
    offline = tilted(REFERENCE, PROMPT, 2 * (BEATS @ here(REFERENCE)) / BETA, SHORT)
    return at_least(1e-4, float(slope_at("squared", offline).abs().max()))


def online(seed: int, batch: int) -> OnlinePairs:
    rows = prompts(batch, [PROMPT])
    rollouts = OnPolicy(rows, REFERENCE, score_of(REWARD), 2 * batch, SHORT, EOS, PAD, seed, 2)
    return OnlinePairs(rollouts, "bradley_terry", seed)


def trained(sampler: Sampler, steps: int) -> TabularPolicy:
    """Train from pi_ref with the logistic loss and a learning rate that decays to 0."""
    policy = TabularPolicy(0)
    trainer = Trainer(policy, sampler, Preference("logistic", BETA), 0.2, 1e9, seed=0)
    for step in range(steps):
        trainer.pace = 1 - step / steps
        trainer.advance()
    return policy


def reaches_the_optimum() -> Measured:
    """Online logistic with 1024 fresh pairs per step. Label noise leaves 2e-3; a beta wrong by 10% would add 5e-3."""
    return at_most(4e-3, exact_kl(here(trained(online(0, 1024), 200)), optimum()))


def replay() -> Measured:
    """Weights of an online run equal those of a run on its replayed pairs. Exact."""
    recorder = Recorder(online(1, 64))
    first = trained(recorder, 40)
    second = trained(Replay(joined(recorder.taken()), 64, "recorded", 0), 40)
    assert not torch.equal(first.logits, TabularPolicy(0).logits)
    return close(first.logits.detach(), second.logits.detach(), 0.0)


def endless_round() -> Measured:
    """In a round without end a changed policy still gets pairs of pi_ref. Exact."""
    rounds, plain = Rounds(online(2, 64), 10**6, REFERENCE), online(2, 64)
    start, moved = TabularPolicy(0), TabularPolicy(1)
    rounds.draw(start, 0, Counts())
    pairs, same = rounds.draw(moved, 1, Counts()), plain.draw(start, 1, Counts())
    assert not torch.equal(plain.draw(moved, 1, Counts()).chosen.response_ids, same.chosen.response_ids)
    return close(same.chosen.response_ids, pairs.chosen.response_ids, 0.0)


def every_step() -> Measured:
    """Weights of an online run equal those of a run in rounds of one step. Exact."""
    first, second = trained(online(3, 64), 20), trained(Rounds(online(3, 64), 1, REFERENCE), 20)
    return close(first.logits.detach(), second.logits.detach(), 0.0)


def coins() -> Measured:
    """Share of labels for the first response at a margin of log 3: sigmoid(log 3) = 3/4."""
    score = torch.tensor([[np.log(3.0), 0.0]]).expand(40_000, 2)
    return mean_is(0.75, first_is_chosen(score, "bradley_terry", stream("selfcheck.coins")).double().numpy())


CHECKS: dict[str, Check] = {
    "labels come as sigmoid of the margin": coins,
    "grad E[rho^2] / 2 = 2 grad KL": half_square,
    "E[grad rho] = 4 grad P(pi > stopped pi)": margin,
    "fixed point of logistic": lambda: fixed_point("logistic", optimum()),
    "fixed point of squared": lambda: fixed_point("squared", nash()),
    "squared online is not IPO offline": nash_is_not_ipo,
    "sampled training, logistic": reaches_the_optimum,
    "a round without end": endless_round,
    "rounds of one step are online": every_step,
    "replay in order is the same run": replay,
}

"""Checks of each preference loss: derivatives at 0, Taylor remainders, conventions, opposite labels."""

from functools import partial

import numpy as np
import torch

from bench.checks.estimators.check import Check, Measured, close
from bench.checks.estimators.exact import SHORT, Prompt, all_pairs, pair_rows, pair_weights, policy_of, tilted
from bench.checks.estimators.minimisers import MILD, PROMPT, REFERENCE, expected, population
from bench.checks.estimators.world import TabularPolicy, distribution, responses, sequences, state
from bench.config.margin_losses import AT_ZERO
from bench.lm.kl import sequence_kl
from bench.losses.margin import built_in
from bench.losses.preference import NOISE_MODELS, Preference

NEXT_ORDER = {"logistic": 4, "exponential": 3, "savage": 3}  # order of the first omitted term; logistic: f'''(0) = 0


def derivative(f: str, order: int) -> Measured:
    """f'(0), f''(0) by hand against central differences of f, whose error is below 1e-6 at a step of 1e-3."""
    step = 1e-3
    low, mid, high = built_in(f)(torch.tensor([-step, 0.0, step], dtype=torch.float64)).tolist()
    numeric = (high - low) / (2 * step) if order == 1 else (high - 2 * mid + low) / step**2
    return close(AT_ZERO[f][order], numeric, 1e-6)


def remainder(f: str, beta: float) -> float:
    """E[f(beta rho)] - (f(0) + f'(0) beta E[rho] + f''(0)/2 beta^2 E[rho^2]), with moments of rho in plain Python."""
    rewards, mu, p = population(MILD)
    policy = policy_of({PROMPT: tilted(REFERENCE, PROMPT, 2 * rewards, SHORT)}, SHORT)
    weights = pair_weights(mu, p)
    h = (distribution(policy, PROMPT, SHORT) / distribution(REFERENCE, PROMPT, SHORT)).log()
    rho = (h[:, None] - h[None, :]).flatten()
    zero, first, second = AT_ZERO[f]
    taylor = zero + first * beta * float(weights @ rho) + second / 2 * beta**2 * float(weights @ rho**2)
    return expected(f, policy, beta, weights).item() - taylor


def taylor_order(f: str) -> Measured:
    """Order in beta of the Taylor remainder, from beta .01 and .005. The next order contributes .02."""
    return close(NEXT_ORDER[f], float(np.log2(abs(remainder(f, 0.01) / remainder(f, 0.005)))), 0.03)


def no_remainder(f: str) -> Measured:
    """The remainder of a quadratic f is 0 (for truncated ones while |beta rho| < 1). Tolerance: rounding."""
    return close(0.0, [remainder(f, 0.02), remainder(f, 0.01)], 1e-13)


def ipo_convention() -> Measured:
    """(beta rho - 1)^2 = beta^2 (rho - 1 / (2 tau))^2 at beta = 2 tau, right side in plain Python. Rounding."""
    tau, policy = 0.1, TabularPolicy(1)
    ratio = distribution(policy, PROMPT, SHORT) / distribution(REFERENCE, PROMPT, SHORT)
    h = dict(zip(responses(SHORT), ratio.log().tolist(), strict=True))
    want, got = [], []
    for a, b in [((1,), (2, 3)), ((0, 1), (1,)), ((3, 3), (2, 1))]:
        rho = h[a] - h[b]
        want.append((2 * tau) ** 2 * (rho - 1 / (2 * tau)) ** 2)
        got.append(Preference("squared", 2 * tau)(policy, pair_rows(REFERENCE, PROMPT, [a], [b]))[0].item())
    return close(want, got, 1e-12)


def three_actions(share: float) -> tuple[TabularPolicy, TabularPolicy, Prompt]:
    """A policy with probabilities (a, a, 1 - 2a) of the first token, and a uniform pi_ref. The fourth has e^-50."""
    uniform, policy, prompt = TabularPolicy(0), TabularPolicy(0), (2,)
    with torch.no_grad():
        for table, p in ((uniform, [1 / 3] * 3), (policy, [share, share, 1 - 2 * share])):
            table.logits[state(prompt)] = torch.tensor([np.log(p[0]), np.log(p[1]), -50.0, np.log(p[2])])
    return policy, uniform, prompt


def opposite_labels() -> Measured:
    """On {y1 > y2, y2 > y1} every (a, a, 1 - 2a) attains DPO's minimum, log 2, down to a = 1e-6. Rounding."""
    got = []
    for share in (1 / 3, 0.1, 1e-3, 1e-6):
        policy, uniform, prompt = three_actions(share)
        pairs = pair_rows(uniform, prompt, [(0,), (1,)], [(1,), (0,)])
        got.append(Preference("logistic", 1.0)(policy, pairs)[0].item())
    return close(np.log(2), got, 1e-12)


def opposite_labels_kl() -> Measured:
    """KL of (a, a, 1 - 2a) to uniform tends to log 3. The gap is 2a log(1/a), which is 3e-5 at a = 1e-6."""
    policy, uniform, prompt = three_actions(1e-6)
    rows = sequences(prompt, responses(1))
    kl = distribution(policy, prompt, 1) @ sequence_kl(policy, uniform, rows).kl_B
    return close(np.log(3), float(kl), 4e-5)


def noisy(kind: str, f: str) -> Measured:
    """With a share e of flipped labels, conservative is f averaged over flips, and robust averaged over flips is f."""
    e, x = 0.2, torch.linspace(-3, 3, 13, dtype=torch.float64)
    plain, loss = built_in(f), Preference(f, 1.0, e, kind).f
    if kind == "conservative":
        return close((1 - e) * plain(x) + e * plain(-x), loss(x), 1e-13)
    return close(plain(x), (1 - e) * loss(x) + e * loss(-x), 1e-13)


def terms_logged(f: str) -> Measured:
    """The two logged Taylor terms, against f'(0), f''(0) by hand and moments of rho in plain Python."""
    policy, beta = TabularPolicy(1), 0.3
    h = (distribution(policy, PROMPT, SHORT) / distribution(REFERENCE, PROMPT, SHORT)).log()
    rho = (h[:, None] - h[None, :]).flatten()
    _, info = Preference(f, beta)(policy, all_pairs(REFERENCE, PROMPT))
    _, first, second = AT_ZERO[f]
    of_one_chosen = all_pairs(REFERENCE, PROMPT)[: len(h)]  # over all ordered pairs rho averages to 0 for any f'(0)
    _, other = Preference(f, beta)(policy, of_one_chosen)
    want = [0.0, second / 2 * beta**2 * float((rho**2).mean()), first * beta * float(rho[: len(h)].mean())]
    return close(want, [info["preference_term"], info["regularization_term"], other["preference_term"]], 1e-12)


CHECKS: dict[str, Check] = {
    **{f"f'(0), {f}": partial(derivative, f, 1) for f in AT_ZERO},
    **{f"f''(0), {f}": partial(derivative, f, 2) for f in AT_ZERO},
    **{f"order of the remainder, {f}": partial(taylor_order, f) for f in NEXT_ORDER},
    **{f"no remainder, {f}": partial(no_remainder, f) for f in AT_ZERO if f not in NEXT_ORDER},
    **{f"Taylor terms as logged, {f}": partial(terms_logged, f) for f in AT_ZERO},
    **{f"{kind} about flips, {f}": partial(noisy, kind, f) for kind in NOISE_MODELS for f in ("logistic", "hinge")},
    "IPO at beta = 2 tau": ipo_convention,
    "opposite labels, loss": opposite_labels,
    "opposite labels, KL to log 3": opposite_labels_kl,
}

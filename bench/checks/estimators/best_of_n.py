"""Checks of best-of-n: brute force over samples and over subsets, the analytic bound, invariances."""

import itertools

import numpy as np
import torch
from scipy.integrate import quad
from scipy.special import xlogy

from bench.checks.estimators.check import Check, Measured, at_most, close, mean_is
from bench.checks.estimators.exact import score_of, table_of, values_of
from bench.checks.estimators.world import EOS, PAD, PROMPTS, T, TabularPolicy, distribution, prompts
from bench.core.seeds import np_stream, stream
from bench.lm.generate import generate
from bench.measure.best_of_n import analytic_kl, best_of_n_weights, measured_kl

GOLD = np_stream("selfcheck.gold").normal(size=9)
DISTINCT = np.array([0.1, 3.0, -2.0, 0.5, 1.5, -0.3, 2.0, -1.0, 0.9])
TIED = np.array([1.0, 2.0, 1.0, 2.0, 0.0, 2.0, 0.0, 3.0, 1.0])


def over_subsets(proxy: np.ndarray, n: int) -> np.ndarray:
    """Each sample's probability of being the best of a random n-subset, with fair tie-breaks, by brute force."""
    weights, subsets = np.zeros(len(proxy)), list(itertools.combinations(range(len(proxy)), n))
    for subset in subsets:
        best = [i for i in subset if proxy[i] == max(proxy[j] for j in subset)]
        weights[best] += 1 / len(best) / len(subsets)
    return weights


def subsets(proxy: np.ndarray) -> Measured:
    """Expected gold of best-of-n for every n up to N = 9. Log-gamma of small numbers is accurate to 1e-14 relative."""
    want = [over_subsets(proxy, n) @ GOLD for n in range(1, 10)]
    return close(want, [best_of_n_weights(proxy, n) @ GOLD for n in range(1, 10)], 1e-12)


def over_draws(proxy: np.ndarray, n: int) -> float:
    """KL to the pool of the best of n independent samples, over all N^n outcomes, with fair tie-breaks."""
    N, p = len(proxy), np.zeros(len(proxy))
    for draw in itertools.product(range(N), repeat=n):
        members = np.flatnonzero(proxy == max(proxy[i] for i in draw))
        p[members] += 1 / len(members) / N**n
    return float(np.sum(p[p > 0] * np.log(p[p > 0] * N)))


def kl_over_draws() -> Measured:
    """The KL of P_n(y) = F(y)^n - F(y-)^n, with ties. Tolerance: rounding of sums of 24 terms."""
    pools = [np.arange(16.0), np.repeat([0.0, 1.0, 2.0], [9, 5, 2]), np.zeros(16)]
    cases = [(pool, n) for pool in pools for n in (1, 2)] + [(np.repeat([0.0, 1.0, 2.0, 3.0], [10, 8, 4, 2]), 3)]
    return close([over_draws(*case) for case in cases], [measured_kl(*case) for case in cases], 1e-12)


def below_the_bound() -> Measured:
    """Largest excess of the measured KL over log n - (n-1)/n, with and without ties. Rounding: 1e-12."""
    scores = np_stream("selfcheck.bound").normal(size=2048)
    sides = (scores, np.round(scores), np.round(2 * scores))
    return at_most(1e-12, max(measured_kl(s, n) - analytic_kl(n) for s in sides for n in (1, 2, 4, 16, 64, 256)))


def analytic() -> Measured:
    """log n - (n-1)/n against quadrature of the KL of the maximum of n uniforms, n u^(n-1). Accurate to 1e-8."""
    sizes = (2, 4, 16, 64, 1000)
    want = [quad(lambda u, n=n: xlogy(n * u ** (n - 1), n * u ** (n - 1)), 0, 1)[0] for n in sizes]
    return close(want, [analytic_kl(n) for n in sizes], 1e-6)


def published() -> Measured:
    """Published values of Gao et al. 2022: .636, 1.835, 3.175, 5.909, 10.002 nats, to three decimals."""
    return close([0.636, 1.835, 3.175, 5.909, 10.002], [analytic_kl(n) for n in (4, 16, 64, 1000, 60_000)], 5e-4)


def transformed() -> Measured:
    """Weights are invariant to a shift and a positive scale of each prompt's proxy scores. Exact."""
    pools = [(DISTINCT, 17.0, 0.5), (TIED, -4.0, 8.0)]
    want = [best_of_n_weights(proxy, n) for proxy, _, _ in pools for n in (2, 5)]
    got = [best_of_n_weights(scale * proxy + shift, n) for proxy, shift, scale in pools for n in (2, 5)]
    return close(want, got, 0.0)


def through_the_sampler() -> Measured:
    """Gold of best-of-4 from 400 pools of 32 pi_ref samples, against the enumerated F^n - F-^n.

    The proxy is rounded so that different responses tie.
    """
    policy, prompt, n, N, runs = TabularPolicy(0), PROMPTS[0], 4, 32, 400
    gold, proxy = table_of(5), table_of(6).round()
    p, worth, rank = (x.numpy() for x in (distribution(policy, prompt), *(values_of(t, prompt) for t in (gold, proxy))))
    F, below = (np.array([p[side(rank, r)].sum() for r in rank]) for side in (np.less_equal, np.less))
    tied = np.array([p[rank == r].sum() for r in rank])
    want = float(((F**n - below**n) * p / tied) @ worth)
    samples = generate(policy, prompts(N * runs, [prompt]), T, EOS, PAD, stream("selfcheck.pool"))
    with torch.no_grad():
        pools = [np.split(score_of(table)(samples).numpy(), runs) for table in (gold, proxy)]
    return mean_is(want, np.array([best_of_n_weights(b, n) @ g for g, b in zip(*pools, strict=True)]))


CHECKS: dict[str, Check] = {
    "gold over all subsets": lambda: subsets(DISTINCT),
    "gold over all subsets, ties": lambda: subsets(TIED),
    "gold over fresh pools": through_the_sampler,
    "KL over all draws, ties": kl_over_draws,
    "KL under the analytic bound": below_the_bound,
    "analytic KL by quadrature": analytic,
    "analytic KL as published": published,
    "shift and scale of the proxy": transformed,
}

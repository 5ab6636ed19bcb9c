"""Best-of-n as an evaluator over a pool of pi_ref samples: trains nothing, resamples nothing.

For N samples of a prompt, the expected value of the sample that a proxy would pick from a random
subset of n is a weighted mean over the pool, exact for every n up to N.
"""

import numpy as np
from scipy.special import gammaln, xlogy


def rank_weights(N: int, n: int) -> np.ndarray:
    """Chance that the sample of ascending rank i = 1..N is the best of a random n-subset: C(i-1, n-1) / C(N, n).

    Log-gamma, so that no big number appears. ValueError unless 1 <= n <= N.

    >>> rank_weights(4, 2).round(3)  # best of a random pair of 4
    array([0.   , 0.167, 0.333, 0.5  ])
    """
    if not 1 <= n <= N:
        raise ValueError(f"n = {n} must lie between 1 and the pool's {N} samples a prompt")
    i = np.arange(n, N + 1)
    log_weights = (gammaln(i) - gammaln(n) - gammaln(i - n + 1)) - (
        gammaln(N + 1) - gammaln(n + 1) - gammaln(N - n + 1)
    )
    weights = np.zeros(N)
    weights[n - 1 :] = np.exp(log_weights)
    return weights


def best_of_n_weights(proxy: np.ndarray, n: int) -> np.ndarray:
    """Weight of each of a prompt's N samples under best-of-n by `proxy` (N,); ties share their group's mass.

    Invariant to any increasing transformation of the scores.

    >>> gold, proxy = np.array([1.0, 2.0, 3.0]), np.array([0.1, 0.9, 0.5])
    >>> float(best_of_n_weights(proxy, 3) @ gold)  # the proxy's favourite of all three
    2.0
    """
    _, group = np.unique(proxy, return_inverse=True)
    counts = np.bincount(group)
    upper = np.cumsum(counts)
    cumulative = np.concatenate([[0.0], np.cumsum(rank_weights(len(proxy), n))])
    mass = cumulative[upper] - cumulative[upper - counts]
    return (mass / counts)[group]


def analytic_kl(n: int) -> float:
    """log n - (n-1)/n nats: an upper bound for discrete policies (Beirami et al. 2024, 2401.01879).

    >>> round(analytic_kl(4), 3)
    0.636
    """
    return float(np.log(n) - (n - 1) / n)


def measured_kl(proxy: np.ndarray, n: int) -> float:
    """KL of best-of-n to pi_ref in nats with the pool (N,) as pi_ref: sum_g P_n(g) log(P_n(g) / p(g)).

    P_n(g) = F(g)^n - F(g-)^n over groups of equal score; within a group pi_ref's proportions stay, so
    the group's log-ratio is each member's. NaN where n > N/8: the pool is too coarse to tell.

    >>> round(measured_kl(np.arange(1000.0), 4), 3)
    0.636
    """
    N = len(proxy)
    if n > N / 8:
        return float("nan")
    _, counts = np.unique(proxy, return_counts=True)
    p = counts / N
    F = np.cumsum(p)
    P_n = F**n - np.concatenate([[0.0], F[:-1]]) ** n
    return float((xlogy(P_n, P_n) - xlogy(P_n, p)).sum())

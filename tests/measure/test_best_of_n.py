import itertools
import math

import numpy as np
import pytest

from bench.measure.best_of_n import analytic_kl, best_of_n_weights, measured_kl, rank_weights

GOLD = np.array([0.3, -1.0, 2.0, 0.7, 0.0, -0.4, 5.0])
DISTINCT = np.array([0.1, 3.0, -2.0, 0.5, 1.5, -0.3, 2.0])
TIED = np.array([1.0, 2.0, 1.0, 2.0, 0.0, 2.0, 0.0])


def over_subsets(proxy, n):
    """Each sample's chance to be the pick of a random subset; ties are broken by a fair draw."""
    weights, subsets = np.zeros(len(proxy)), list(itertools.combinations(range(len(proxy)), n))
    for subset in subsets:
        best = [i for i in subset if proxy[i] == max(proxy[j] for j in subset)]
        weights[best] += 1 / len(best) / len(subsets)
    return weights


@pytest.mark.parametrize("n", range(1, 8))
@pytest.mark.parametrize("proxy", [DISTINCT, TIED, np.zeros(7)], ids=["distinct", "tied", "constant"])
def test_weights_equal_the_mean_over_all_subsets(proxy, n):
    np.testing.assert_allclose(best_of_n_weights(proxy, n), over_subsets(proxy, n), rtol=0, atol=1e-12)


def test_the_ends():
    assert best_of_n_weights(DISTINCT, 1) @ GOLD == pytest.approx(GOLD.mean())  # n = 1: the mean
    assert best_of_n_weights(DISTINCT, 7) @ GOLD == pytest.approx(GOLD[1])  # n = N: gold of the proxy's argmax


@pytest.mark.parametrize("n", [2, 5])
@pytest.mark.parametrize("transform", [lambda x: x + 17, lambda x: 1e-3 * x, lambda x: np.exp(3 * x)])
@pytest.mark.parametrize("proxy", [DISTINCT, TIED])
def test_an_increasing_transformation_changes_nothing(proxy, transform, n):
    np.testing.assert_array_equal(best_of_n_weights(transform(proxy), n), best_of_n_weights(proxy, n))


@pytest.mark.parametrize(("N", "n"), [(1024, 1), (1024, 64), (1024, 1024), (60_000, 1000)])
def test_weights_of_large_pools_against_big_numbers(N, n):
    weights = rank_weights(N, n)
    assert weights.sum() == pytest.approx(1, abs=1e-8)  # log-gamma of 60 000 is 6e5: 1e-10 relative in the exponent
    for i in (n, (N + n) // 2, N):
        assert weights[i - 1] == pytest.approx(math.comb(i - 1, n - 1) / math.comb(N, n), rel=1e-7, abs=1e-300)


@pytest.mark.parametrize("n", [0, 8])
def test_n_outside_the_pool_is_refused(n):
    with pytest.raises(ValueError, match="between 1 and the pool's 7"):
        rank_weights(7, n)


@pytest.mark.parametrize(
    ("n", "nats"), [(1, 0.0), (4, 0.636), (16, 1.835), (64, 3.175), (1000, 5.909), (60_000, 10.002)]
)
def test_the_analytic_kl_of_gao_et_al(n, nats):
    assert analytic_kl(n) == pytest.approx(nats, abs=5e-4)


def by_enumeration(proxy, n):
    """KL of the pick of n independent draws from the pool, over all N^n draws, to the uniform pool."""
    N, p = len(proxy), np.zeros(len(proxy))
    for draw in itertools.product(range(N), repeat=n):
        best = max(proxy[i] for i in draw)
        members = np.flatnonzero(proxy == best)  # which of a tied group is picked follows pi_ref
        p[members] += 1 / len(members) / N**n
    return float(np.sum(p[p > 0] * np.log(p[p > 0] * N)))


@pytest.mark.parametrize("proxy", [np.arange(16.0), np.repeat([0.0, 1.0, 2.0], [9, 5, 2]), np.zeros(16)])
def test_measured_kl_equals_enumeration(proxy):
    for n in (1, 2):
        assert measured_kl(proxy, n) == pytest.approx(by_enumeration(proxy, n), abs=1e-12)


def test_three_draws_with_ties_equal_enumeration():
    proxy = np.repeat([0.0, 1.0, 2.0, 3.0], [10, 8, 4, 2])
    assert measured_kl(proxy, 3) == pytest.approx(by_enumeration(proxy, 3), abs=1e-12)


def test_the_analytic_kl_is_an_upper_bound_that_large_pools_approach():
    scores = np.random.default_rng(0).normal(size=4096)
    for n in (1, 2, 8, 64):
        assert measured_kl(scores, n) <= analytic_kl(n) + 1e-12
        # A grid of N steps misses about n/N of the top step: 64/4096 here.
        assert measured_kl(scores, n) == pytest.approx(analytic_kl(n), abs=2 * n / 4096)
    assert measured_kl(np.round(scores), 8) < analytic_kl(8) - 0.1  # ties hold it back


def test_a_pool_too_coarse_gives_no_kl():
    assert math.isnan(measured_kl(np.arange(16.0), 3))
    assert not math.isnan(measured_kl(np.arange(16.0), 2))

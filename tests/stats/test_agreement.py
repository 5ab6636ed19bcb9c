"""Agreement of two scores: by hand, against the normal's closed form, and coverage by simulation."""

import numpy as np
import pytest

from bench.stats.agreement import TIE, agreement


def of(one, other, policies, prompts):
    return agreement(one, other, list(policies), list(prompts), np.random.default_rng(0))


def test_by_hand():
    """Prompt p: of three pairs 1 < 2 < 3 against 1 < 3 > 2 one differs. q: one pair, which differs. Policies apart."""
    found = of([1, 2, 3, 9, 8, 5], [1, 3, 2, 1, 2, 5], "aaaaab", "pppqqp")
    assert found.pairs == 4
    assert found.disagree.point == pytest.approx(2 / 4)
    # centred: p (-1, 0, 1) and (-1, 1, 0); q (.5, -.5) and (-.5, .5); the lone text (0), (0)
    assert found.correlation.point == pytest.approx((1 - 0.5) / np.sqrt((2 + 0.5) * (2 + 0.5)))


def test_the_order_of_the_texts_does_not_matter():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 60))
    policies, prompts = rng.integers(3, size=60), rng.integers(5, size=60)
    mixed = rng.permutation(60)
    before = of(one, other, policies, prompts)
    after = of(one[mixed], other[mixed], policies[mixed], prompts[mixed])
    assert after.pairs == before.pairs
    assert after.disagree.point == pytest.approx(before.disagree.point)
    assert after.correlation.high == pytest.approx(before.correlation.high)


def test_a_pair_that_a_score_holds_equal_does_not_count():
    found = of([1, 1 + TIE / 2, 2], [1, 2, 3], "aaa", "ppp")
    assert (found.pairs, found.disagree.point) == (2, 0.0)
    nothing = of([1, 1], [1, 2], "aa", "pp")
    assert (nothing.pairs, nothing.disagree.defined) == (0, False)
    assert "tell apart" in nothing.disagree.reason
    assert of([], [], [], []).pairs == 0


def normal(rng, rho, prompts=60, policies=2, samples=3, level=3.0):
    """Two scores whose values for one policy's responses to a prompt are normal with correlation rho."""
    count = prompts * policies * samples
    prompt, policy = np.repeat(np.arange(prompts), policies * samples), np.tile(np.arange(policies), prompts * samples)
    one = rng.normal(size=count)
    other = rho * one + np.sqrt(1 - rho**2) * rng.normal(size=count)
    offset = level * rng.normal(size=(2, prompts * policies))[:, prompt * policies + policy]
    return one + offset[0], other + offset[1], policy, prompt


@pytest.mark.parametrize("rho", [-0.5, 0.0, 0.8])
def test_normal_scores_disagree_by_their_correlation(rho):
    """Of two draws the signs of the differences differ with probability 1/2 - arcsin(rho) / pi (Sheppard 1899)."""
    found = agreement(*normal(np.random.default_rng(1), rho, prompts=4000), np.random.default_rng(0))
    assert found.pairs == 4000 * 2 * 3
    # 4,000 prompts: a standard error of .004 and less
    assert found.disagree.point == pytest.approx(0.5 - np.arcsin(rho) / np.pi, abs=0.015)
    assert found.correlation.point == pytest.approx(rho, abs=0.02)


def test_coverage_is_nominal():
    """200 runs at 95%: two binomial errors are 3.1%."""
    rng, rho, held = np.random.default_rng(2), 0.6, np.zeros(2)
    truth = 0.5 - np.arcsin(rho) / np.pi, rho
    for _ in range(200):
        found = agreement(*normal(rng, rho), rng)
        held += [e.low <= t <= e.high for e, t in zip((found.disagree, found.correlation), truth, strict=True)]
    assert (held / 200 >= 0.95 - 0.031).all()

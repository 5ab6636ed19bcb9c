"""Values, differences and equivalence at matched x: straight lines by hand, and error rates by simulation."""

import numpy as np
import pytest

from bench.stats.compare import decide
from bench.stats.estimate import OVER_REPLICATES
from bench.stats.matched import at_kl, at_proxy, coincide, difference, difference_over, value_at
from bench.stats.simulate import KL, D, Noise, cells

QUIET = Noise(level=0, shared=0, own=1e-9, kl=0)


def verdict(evidence):
    return decide([evidence])[0].verdict


def lines(rng, slopes, noise=QUIET):
    return cells(rng, [slope * D for slope in slopes], noise=noise)


def test_differences_of_lines_are_their_slopes_times_d():
    one, other = lines(np.random.default_rng(0), [0.5, 0.2])
    assert value_at(one, 9.0).point == pytest.approx(1.5, abs=1e-8)
    assert difference(at_kl(one, 9.0), at_kl(other, 9.0)).point == pytest.approx(0.9, abs=1e-8)


def test_gold_at_a_proxy_score_is_met_where_the_proxy_has_it():
    """Proxy d/2 and gold .3 d: at a proxy of 1.5, d = 3 and gold .9."""
    (curve,) = lines(np.random.default_rng(0), [0.3])
    assert at_proxy(curve, 1.5).estimate.point == pytest.approx(0.9, abs=1e-6)
    assert "both sides" in at_proxy(curve, 4.0).reason


def test_what_prompts_share_leaves_the_difference():
    """A level of a prompt, the same in both curves, widens each value and not their difference."""
    one, other = lines(np.random.default_rng(0), [0.5, 0.5], Noise(level=2, shared=0, own=0.01, kl=0))
    value, apart = value_at(one, 8.0), difference(at_kl(one, 8.0), at_kl(other, 8.0))
    assert value.error > 0.3
    assert apart.error < 0.01


def test_a_difference_over_three_replicates_is_the_t_mean_of_their_differences():
    """.5 - .2, .6 - .2, .7 - .2 at d = 2: .6, .8, 1.0; se .2 / sqrt 3."""
    rng = np.random.default_rng(0)
    ones, others = lines(rng, [0.5, 0.6, 0.7]), lines(rng, [0.2, 0.2, 0.2])
    apart = difference_over([at_kl(c, 4.0) for c in ones], [at_kl(c, 4.0) for c in others])
    assert (apart.n, apart.method) == (3, OVER_REPLICATES)
    assert apart.point == pytest.approx(0.8, abs=1e-6)
    assert apart.error == pytest.approx(4.302653 * 0.2 / np.sqrt(3), abs=1e-6)


def test_curves_alike_coincide_and_curves_apart_do_not():
    rng = np.random.default_rng(0)
    noise = Noise(own=0.2)
    alike = lines(rng, [0.3, 0.3], noise)
    assert verdict(coincide(alike[:1], alike[1:], (2, 4, 8), 0.1)) == "observed"
    apart = lines(rng, [0.3, 0.5], noise)
    assert verdict(coincide(apart[:1], apart[1:], (2, 4, 8), 0.1)) == "not observed"


def test_curves_too_noisy_to_tell_are_undecided_though_their_difference_is_not_significant():
    pair = lines(np.random.default_rng(0), [0.3, 0.3], Noise(prompts=12, own=1.0))
    assert verdict(coincide(pair[:1], pair[1:], (2, 4, 8), 0.1)) == "undecided"


def test_a_range_that_is_not_reached_bars_the_claim():
    pair = lines(np.random.default_rng(0), [0.3, 0.3])
    evidence = coincide(pair[:1], pair[1:], (4, 100), 0.1)
    assert verdict(evidence) == "undecided"
    assert "100 nats" in evidence.barred


def test_curves_exactly_a_margin_apart_pass_as_one_at_most_at_the_level():
    """The edge of the null, at one KL so that the test is at its full size: .025 and two binomial errors of 600."""
    rng = np.random.default_rng(0)
    edge = [0.3 * D, 0.3 * D + 0.25]
    pairs = [cells(rng, edge) for _ in range(600)]
    assert np.mean([verdict(coincide(p[:1], p[1:], (KL[11],), 0.25)) == "observed" for p in pairs]) <= 0.038

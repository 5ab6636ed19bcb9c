import numpy as np
import pytest

from bench.stats.estimate import OVER_REPLICATES
from bench.stats.replicates import mean_curve, value_over

D = np.array([0.0, 1.0, 2.0, 3.0])


def test_straight_lines_are_averaged_exactly_over_the_range_they_share():
    """Slopes 1, 2, 3 from the origin: mean 2d, t half-width 4.302653 * 1 / sqrt(3) * d; the last one ends at 2.5."""
    d_S = [D, D + np.array([0, 0.1, 0.2, 0.3]), np.array([0.0, 1.2, 2.5])]
    band = mean_curve(d_S, [d_S[0], 2 * d_S[1], 3 * d_S[2]])
    assert (band.d[0], band.d[-1]) == (0.0, 2.5)
    np.testing.assert_allclose(band.mean, 2 * band.d, atol=1e-12)
    np.testing.assert_allclose(band.high - band.mean, 4.302653 / np.sqrt(3) * band.d, atol=1e-5)


def test_two_replicates_and_disjoint_ranges_have_no_band():
    assert mean_curve([D, D], [D, D]) is None
    assert mean_curve([D, D, D + 5], [D, D, D]) is None
    assert mean_curve([D, D, D], [D, D, np.full(4, np.nan)]) is None


def test_the_band_covers_the_mean_at_its_level():
    """2000 sets of three replicates with normal effects; 3 binomial errors around .95."""
    rng, hits = np.random.default_rng(0), 0
    for effects in rng.normal(1.0, 0.3, (2000, 3)):
        band = mean_curve([D] * 3, [e * D for e in effects], points=2)
        hits += band.low[-1] <= 3.0 <= band.high[-1]
    assert hits / 2000 == pytest.approx(0.95, abs=0.015)


def test_a_value_is_over_replicates_only_when_three_are_defined(line):
    whole, short = [line(slope) for slope in (1, 2, 3)], line(1, reach=2)
    value = value_over(whole, 4.0)
    assert (value.n, value.method) == (3, OVER_REPLICATES)
    assert value.point == pytest.approx(2 * 2.0)
    assert value_over([*whole[:2], short], 4.0).point == pytest.approx(2.0)
    assert value_over(whole[:2], 4.0).method.startswith("local-linear")


@pytest.fixture
def line():
    from bench.stats.curves import Curve

    def make(slope, reach=9.0):
        kl = np.array([0, 1, 2.9, 3.5, 4.5, 5.5, 9.0])
        kl = kl[kl <= reach]
        gold, none, zero = slope * np.sqrt(kl), np.empty((len(kl), 0)), np.zeros(len(kl))
        return Curve("c", tuple(map(str, kl)), kl, gold, zero + 0.1, gold, zero, kl, gold, none, none, none)

    return make

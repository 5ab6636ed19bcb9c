import numpy as np
import pytest

from bench.stats.association import correlation, correlation_over


def test_a_correlation_is_numpys_over_the_finite_pairs():
    x, y = np.random.default_rng(0).normal(size=(2, 9))
    x[3] = np.nan
    kept = np.isfinite(x)
    assert correlation(x, y) == pytest.approx(np.corrcoef(x[kept], y[kept])[0, 1])


@pytest.mark.parametrize(("x", "y"), [([1, 2, 3], [1, 2, 3]), ([1, 1, 1, 1], [1, 2, 3, 4])])
def test_too_few_rows_or_no_spread_have_none(x, y):
    assert np.isnan(correlation(x, y))


def test_replicates_are_averaged_as_fishers_z():
    """artanh .5 = .54931, artanh .8 = 1.09861: mean .82396, tanh .67722; se .27465, t(.975, 1) = 12.7062."""
    found = correlation_over([0.5, 0.8])
    assert found.point == pytest.approx(0.67722, abs=1e-5)
    assert found.high == pytest.approx(np.tanh(0.82396 + 12.7062 * 0.27465), abs=1e-5)
    assert found.low < -0.9
    assert not correlation_over([0.5]).has_interval
    assert not correlation_over([0.5, np.nan]).defined

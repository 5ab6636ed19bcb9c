import math

import numpy as np
import pytest

from bench.stats.estimate import Estimate, clustered_mean, clustered_se, plus_minus, replicate_mean


def test_equal_clusters_give_the_standard_error_of_cluster_means():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(30, 4)) + rng.normal(size=(30, 1))
    clusters = np.repeat(np.arange(30), 4)
    expected = values.mean(1).std(ddof=1) / math.sqrt(30)
    assert clustered_se(values.ravel(), clusters) == pytest.approx(expected, rel=1e-12)


def test_singleton_clusters_give_the_ordinary_standard_error():
    values = np.array([1.0, 4.0, 2.0, 9.0])
    assert clustered_se(values, np.array(["a", "b", "c", "d"])) == pytest.approx(values.std(ddof=1) / 2)


def test_clustered_mean_covers_the_truth():
    """95% intervals over 12 prompts, 600 runs: 3 binomial errors of 0.0089 either side."""
    rng = np.random.default_rng(1)
    clusters = np.repeat(np.arange(12), 5)
    hits = 0
    for _ in range(600):
        values = rng.normal(size=(12, 1)) + rng.normal(size=(12, 5))
        estimate = clustered_mean(values.ravel(), clusters)
        hits += estimate.low <= 0 <= estimate.high
    assert hits / 600 == pytest.approx(0.95, abs=0.027)


def test_replicate_mean_by_hand():
    """1, 2, 3: mean 2, se 1/sqrt(3), t(0.975, 2) = 4.30265."""
    estimate = replicate_mean([1.0, 2.0, 3.0])
    assert (estimate.point, estimate.n) == (2.0, 3)
    assert estimate.high == pytest.approx(2 + 4.30265 / math.sqrt(3), abs=1e-5)


def test_fewer_than_two_have_a_point_and_no_interval_with_a_reason():
    for estimate in (replicate_mean([3.0]), clustered_mean([3.0, 3.0], ["a", "a"])):
        assert estimate.point == 3.0
        assert not estimate.has_interval
        assert "n = 1" in estimate.reason


def test_nothing_is_undefined_with_a_reason():
    for estimate in (replicate_mean([]), replicate_mean([1.0, math.nan]), clustered_mean([math.nan], ["a"])):
        assert not estimate.defined
        assert estimate.reason


@pytest.mark.parametrize(
    ("point", "error", "text"),
    [
        (0.7421, 0.0132, "0.742 ± 0.013"),
        (0.7421, 0.0512, "0.74 ± 0.05"),
        (-12.3, 4.4, "−12 ± 4"),  # noqa: RUF001
        (1.0, 0.096, "1.00 ± 0.10"),
        (0.5, 0.0, "0.50"),
        (0.5, math.nan, "0.50"),
        (math.nan, 0.1, "–"),  # noqa: RUF001
    ],
)
def test_plus_minus_keeps_sensible_digits(point, error, text):
    assert plus_minus(point, error) == text


def test_an_estimate_prints_its_half_width():
    assert str(Estimate(1.0, 0.8, 1.2, 0.95, "by hand", 9)) == "1.00 ± 0.20"

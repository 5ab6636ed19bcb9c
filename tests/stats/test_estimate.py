import math

import pytest

from bench.stats.estimate import (
    BY_PROMPT,
    Estimate,
    expanded,
    from_se,
    paired_difference,
    plus_minus,
    replicate_mean,
)


def test_replicate_mean_by_hand():
    """1, 2, 3: mean 2, se 1/sqrt(3), t(0.975, 2) = 4.30265."""
    estimate = replicate_mean([1.0, 2.0, 3.0])
    assert (estimate.point, estimate.n) == (2.0, 3)
    assert estimate.high == pytest.approx(2 + 4.30265 / math.sqrt(3), abs=1e-5)


def test_fewer_than_two_have_a_point_and_no_interval_with_a_reason():
    for estimate in (replicate_mean([3.0]), from_se(3.0, math.nan, 1, BY_PROMPT)):
        assert estimate.point == 3.0
        assert not estimate.has_interval
        assert "n = 1" in estimate.reason


def test_nothing_is_undefined_with_a_reason():
    for estimate in (replicate_mean([]), replicate_mean([1.0, math.nan])):
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


def test_a_critical_value_is_expanded_to_students_by_hand():
    # t(.975, 4) = 2.776445, and sqrt(5 / 4) for a variance that divides by n
    assert expanded(1.959964, 5) == pytest.approx(2.776445 * math.sqrt(5 / 4), abs=1e-5)


def test_a_paired_difference_of_two_prompts_by_hand():
    """Differences 1 and 3, the third undefined: mean 2, se sqrt(2) / sqrt(2) = 1, t(.975, 1) = 12.7062."""
    estimate = paired_difference([2.0, 5.0, math.nan], [1.0, 2.0, 0.0])
    assert (estimate.point, estimate.n) == (2.0, 2)
    assert estimate.high == pytest.approx(2 + 12.7062, abs=1e-3)

import math

import numpy as np
import pytest

from bench.checks.estimators.check import Measured, at_least, at_most, close, mean_is


def test_an_error_may_reach_its_tolerance_and_no_further():
    assert Measured(1.0, 1.25, 0.25).ok
    assert not Measured(1.0, 1.26, 0.25).ok
    assert not Measured(1.0, 0.74, 0.25).ok


def test_a_bound_holds_on_its_own_side_alone():
    assert at_most(1.0, 1.0).ok
    assert at_most(1.0, -9.0).ok
    assert not at_most(1.0, 1.001).ok
    assert at_least(1.0, 9.0).ok
    assert not at_least(1.0, 0.999).ok
    assert at_most(1.0, 1.5).error == at_least(1.0, 0.5).error == 0.5


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_never_right(bad):
    assert not close(0.0, bad, 1e9).ok
    assert not close([0.0, 0.0, 0.0], [5.0, bad, -7.0], 1e9).ok
    assert not at_most(1.0, bad).ok
    assert not at_least(1.0, bad).ok


def test_of_two_arrays_the_entry_furthest_off_is_shown():
    assert close([1.0, 2.0, 3.0], [1.5, 2.0, 1.0], 0.1) == Measured(3.0, 1.0, 0.1)
    assert close(0.0, np.array([[0.0, -3.0], [2.0, 0.0]]), 0.0).got == -3.0  # one answer for all


def test_a_mean_is_allowed_four_standard_errors():
    # 0 and 2, half each: sd 1 (times sqrt(n / (n - 1))), so of 100 the standard error is .1005
    assert mean_is(1.4, np.tile([0.0, 2.0], 50)).tolerance == pytest.approx(4 * math.sqrt(100 / 99) / 10)
    assert mean_is(1.4, np.tile([0.0, 2.0], 50)).ok
    assert not mean_is(1.41, np.tile([0.0, 2.0], 50)).ok

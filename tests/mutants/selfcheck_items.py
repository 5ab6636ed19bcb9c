"""Each check of `bench selfcheck` as a test, so that mutants are run against those that reach them."""

import pytest

from bench.checks.estimators.run import GROUPS


@pytest.mark.parametrize(("group", "name"), [(group, name) for group, checks in GROUPS.items() for name in checks])
def test_a_check(group, name):
    measured = GROUPS[group][name]()
    assert measured.ok, measured

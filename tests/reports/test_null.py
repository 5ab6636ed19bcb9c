import dataclasses

import numpy as np
import pytest

from reports.analysis.null import null_of
from reports.read.load import load


@pytest.fixture(scope="module")
def run(make_overopt, tmp_path_factory):
    return load(make_overopt(tmp_path_factory.mktemp("runs") / "overopt", replicates=1, evaluations=16))


def test_looks_at_one_policy_spread_as_their_errors_say_and_are_no_hump(run):
    null = null_of(run)
    assert null.evaluations == 16
    assert 0.3 < null.ratio < null.limit
    assert null.fired / null.orders <= 0.05


def test_the_limit_is_the_chi_square_quantile_over_its_degrees(run):
    """Tabulated: 27.488 at 15 degrees, upper 2.5%."""
    assert null_of(run).limit == pytest.approx(27.488 / 15, abs=1e-4)


def test_looks_that_scatter_more_than_they_say_are_caught(run):
    kinds = run.rows.method == "reference"
    rows = run.rows.copy()
    rows.loc[kinds, "gold"] += np.random.default_rng(0).normal(0, 0.5, int(kinds.sum()))
    null = null_of(dataclasses.replace(run, rows=rows))
    assert null.ratio > null.limit


def test_too_few_looks_are_no_null(run):
    rows = run.rows[(run.rows.method != "reference") | (run.rows.step < 3)]
    assert null_of(dataclasses.replace(run, rows=rows)) is None

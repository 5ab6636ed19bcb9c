import numpy as np
import pytest

from reports.analysis.analysis import Analysis
from reports.analysis.fits import BELOW_N
from reports.read.load import load
from reports.sections.forms.fits import fits
from reports.sections.forms.predictions import predictions


@pytest.fixture(scope="module")
def run(make_overopt, tmp_path_factory):
    return load(make_overopt(tmp_path_factory.mktemp("runs") / "overopt", replicates=3, spread=0.02))


@pytest.fixture(scope="module")
def analysis(run):
    return Analysis(run)


def test_every_setting_is_fitted_by_its_own_form(run, analysis):
    fitted = analysis.fits.values()
    assert len(fitted) == len([cells for cells in run.settings if len(cells[0].curve) > 1])
    assert {f.fit.form.name for f in fitted if f.cell.best_of_n} == {"best_of_n"}
    assert {f.fit.form.name for f in fitted if not f.cell.best_of_n} == {"rl"}


def test_predictions_are_of_a_plain_least_squares_on_small_n(analysis):
    found = next(f for f in analysis.fits.values() if f.cell.best_of_n)
    rows = found.cell.rows
    d = np.sqrt(rows.kl.fillna(rows.kl_analytic).to_numpy(float))
    n, gold = rows.n.to_numpy(float), rows.gold.to_numpy(float)
    small = n <= BELOW_N
    (a, b), *_ = np.linalg.lstsq(np.stack([d[small], -(d[small] ** 2)], axis=1), gold[small], rcond=None)
    table = predictions(analysis).data
    table = table[table.row_id.str.startswith(f"{found.cell.name}@")]
    assert table.row_id.tolist() == rows.row_id[~small].tolist()
    np.testing.assert_allclose(table.predicted, d[~small] * (a - b * d[~small]))
    np.testing.assert_allclose(table.error, gold[~small] - table.predicted)


def test_the_table_has_nulls_with_reasons(analysis):
    table = fits(analysis)
    rising = table.data[table.data.cell.str.startswith("ppo_gold")].iloc[0]
    assert np.isnan(rising.peak_d)
    assert rising.peak_d_reason
    three, one = (table.data[table.data.cell == f"dpo-policy_sized-b{beta}-r0"].iloc[0] for beta in ("0.01", "0.03"))
    assert three.left_out > 0
    assert np.isnan(one.left_out)


def test_a_run_without_samples_has_no_fits(make_failed_run, tmp_path):
    run = load(make_failed_run(tmp_path / "run"))
    assert Analysis(run).fits == {}
    assert fits(Analysis(run)).body == ()

import numpy as np
import pytest

from reports.read.load import load


@pytest.fixture(scope="module")
def run(built):
    return load(built)


def test_cells_come_in_the_suites_order_with_pi_ref_first_in_each(run):
    assert list(dict.fromkeys(cell.method for cell in run.trained)) == ["ppo", "dpo", "bon"]
    assert all(cell.curve.kl[0] == 0 for cell in run.trained)


def test_prompt_means_average_to_the_rows(run):
    curve = run.cells[0].curve
    np.testing.assert_allclose(curve.gold_RP.mean(1), curve.gold, atol=1e-12)
    np.testing.assert_allclose(curve.kl_RP.mean(1), curve.kl, atol=1e-12)


def test_best_of_n_prompt_means_are_exact_and_not_the_single_picks(run):
    """Their mean over prompts is the row's gold above best-of-1, though scores in the pool are raw."""
    cell = next(c for c in run.cells if c.best_of_n)
    np.testing.assert_allclose(cell.curve.gold_RP.mean(1), cell.curve.gold - cell.curve.gold[0], atol=1e-9)
    np.testing.assert_allclose(cell.curve.proxy_RP.mean(1), cell.curve.proxy - cell.curve.proxy[0], atol=1e-9)


def test_the_declared_kl_is_the_last_budget_within_support(run):
    by_method = {cell.method: run.declared_kl(cell) for cell in run.trained}
    assert by_method["ppo"] == 16.0  # 32 lies beyond the entropy of 18.3
    assert by_method["bon"] == pytest.approx(np.log(64) - 63 / 64)


def test_controls_are_told_by_what_they_optimise(run):
    config = {**run.config, "proxies": {"policy_sized": {"labels": "permuted"}}}
    permuted = type(run)(run.path, config, run.run, run.stages, run.rows, run.samples, run.pool)
    assert run.controls == []
    assert len(permuted.controls) == len(run.trained)

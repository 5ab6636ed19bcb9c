"""Facts of a synthetic overopt whose truth is known, and of rows bent so that a fact fails."""

import dataclasses

import numpy as np
import pytest

from reports.analysis.analysis import Analysis
from reports.facts import peaks as facts_peaks
from reports.facts.curves import coincidence, penalty_is_early_stopping, rl_spends_more_kl
from reports.facts.exact import _largest_of, kl_of_best_of_n, scaling_a_proxy, unbiased_best_of_n
from reports.facts.fact import table
from reports.facts.offline import (
    accuracy_predicts_nothing,
    chosen_falls,
    epochs_at_peak,
    ipo_overshoots_least,
    log_kl_ratio,
    offline_humps,
)
from reports.facts.registry import facts
from reports.read.load import load

PROMPTS = {"report": 160, "select": 80}


@pytest.fixture(scope="module")
def run(make_overopt, tmp_path_factory):
    """With the columns that only trained cells have: two samples a pair, losses that lower the chosen response."""
    found = load(make_overopt(tmp_path_factory.mktemp("runs") / "overopt", prompts=PROMPTS, samples=2, spread=0.02))
    rows, rng = found.rows.copy(), np.random.default_rng(0)
    rows["samples_seen"] = 20 * rows.step
    rows["chosen_logratio"] = -0.2 * rows.kl + rng.normal(0, 0.01, len(rows))
    rows["pair_accuracy"] = 0.6 + 0.005 * rows.kl + rng.normal(0, 0.001, len(rows))
    return dataclasses.replace(found, rows=rows)


def bent(run, **columns):
    return dataclasses.replace(run, rows=run.rows.assign(**{name: make(run.rows) for name, make in columns.items()}))


def verdicts(found, number):
    return {f.verdict for f in found if f.number == number}


def test_every_fact_has_a_line_and_what_was_put_in_comes_out(run):
    found = facts(Analysis(run))
    assert {f.number for f in found} == {1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 14, 15, 16, 17, 18, 23, 24, 25, 26}
    for number in (1, 2, 3, 16):
        assert verdicts(found, number) == {"observed"}
    by_what = {f.what: f for f in found}
    assert by_what["PPO, β = 0, policy-sized proxy: gold rises, then falls, the proxy rising"].verdict == "observed"
    for name in ("DPO, β = 0.01", "IPO, β = 0.005", "SLiC, β = 0.005"):
        assert by_what[f"{name}: gold rises, then falls"].verdict == "observed"
    lines = table(found).splitlines()
    assert len(lines) == 2 + len(found)
    assert {line.count(" | ") for line in lines[2:]} == {4}


def test_a_run_without_rows_answers_nothing_and_says_why(run):
    found = facts(Analysis(dataclasses.replace(run, rows=run.rows[:0], samples=run.samples[:0], pool=run.pool[:0])))
    assert all(f.verdict == "undecided" and f.how for f in found if "recovers" not in f.what)


def test_exact_facts_fail_when_a_row_is_wrong(run):
    assert "not observed" in verdicts(
        kl_of_best_of_n(Analysis(bent(run, kl_analytic=lambda r: r.kl_analytic * 1.001))), 1
    )
    assert "not observed" in verdicts(kl_of_best_of_n(Analysis(bent(run, kl=lambda r: r.kl_analytic * 1.01))), 1)
    wrong = bent(run, gold_raw=lambda r: r.gold_raw.where(r.n != 16, r.gold_raw + 0.001))
    assert verdicts(unbiased_best_of_n(Analysis(wrong)), 2) == {"not observed"}


def test_the_oracle_of_order_statistics_by_hand():
    """N = 4, n = 2: of six pairs the largest is rank 2 in one, rank 3 in two, rank 4 in three."""
    np.testing.assert_allclose(_largest_of(4, 2), np.array([0, 1, 2, 3]) / 6)
    np.testing.assert_allclose(_largest_of(5, 1), np.full(5, 0.2))
    np.testing.assert_allclose(_largest_of(5, 5), [0, 0, 0, 0, 1], atol=1e-15)


def test_equal_proxies_share_their_gold(run):
    """With the proxy rounded the rows, made without ties, no longer fit; scaling such a proxy still changes nothing."""
    tied = dataclasses.replace(run, pool=run.pool.assign(proxy_raw=run.pool.proxy_raw.round()))
    assert verdicts(unbiased_best_of_n(Analysis(tied)), 2) == {"not observed"}
    assert verdicts(scaling_a_proxy(Analysis(tied)), 3) == {"observed"}


def test_a_setting_coincides_with_itself_and_not_with_its_mirror(run):
    cells = next(c for c in Analysis(run).smallest_betas if c[0].method == "dpo")
    assert coincidence(run, 15, "itself", cells, cells).verdict == "observed"
    turned = [
        dataclasses.replace(c, curve=dataclasses.replace(c.curve, gold=-c.curve.gold, gold_RP=-c.curve.gold_RP))
        for c in cells
    ]
    assert coincidence(run, 15, "its mirror", cells, turned).verdict == "not observed"
    assert all(f.verdict in ("observed", "not observed", "undecided") for f in penalty_is_early_stopping(Analysis(run)))


def test_best_of_n_has_more_gold_at_equal_kl_where_it_was_made_to(run):
    """At 2 and 4 nats best-of-n is above one sd, and PPO's hump under .9."""
    leads = [f for f in rl_spends_more_kl(Analysis(run)) if "equal KL" in f.what]
    assert [f.verdict for f in leads] == ["observed", "observed"]


def test_the_peak_in_epochs_is_read_off_the_row_chosen_on_select(run):
    cell = next(c for c in run.cells if c.name == "ipo-policy_sized-b0.005-r1")
    best = cell.rows.loc[cell.rows.gold_select.idxmax()]
    assert epochs_at_peak(cell) == pytest.approx(20 * best.step / 8000)
    early = [f for f in offline_humps(Analysis(run)) if "epoch" in f.what]
    assert [f.verdict for f in early] == ["observed"] * 3
    late = [f for f in offline_humps(Analysis(bent(run, samples_seen=lambda r: 2000 * r.step))) if "epoch" in f.what]
    assert [f.verdict for f in late] == ["not observed"] * 3


def test_peaks_and_gamma_are_described_with_their_truth(run):
    """PPO's hump is put at d = 2.2; the proxy is 0.6 d, so at the last row it is far ahead of gold."""
    found = {f.what: f for f in facts_peaks.peaks(Analysis(run)) + facts_peaks.gammas(Analysis(run))}
    peak = found["PPO, β = 0, policy-sized proxy: peak, and what follows"]
    place, drop, gap = (float(part.split("[")[0].split()[-1]) for part in peak.value.split("], "))
    assert place == pytest.approx(2.2, abs=0.15)
    assert drop > 0.5
    assert gap > 1
    gammas = [float(f.value.split()[0]) for f in found.values() if "gamma" in f.what]
    assert len(gammas) == 2
    assert gammas[0] < gammas[1]  # the larger proxy knows more


def test_a_chosen_response_that_gains_is_seen(run):
    assert verdicts(chosen_falls(Analysis(bent(run, chosen_logratio=lambda r: 1 - r.chosen_logratio))), 16) == {
        "not observed"
    }


def test_accuracy_that_goes_with_gold_is_seen(run):
    """Accuracy rises while gold humps; and accuracy made of gold."""
    assert verdicts(accuracy_predicts_nothing(Analysis(run)), 17) == {"observed"}
    told = bent(run, pair_accuracy=lambda r: 0.6 + 0.1 * r.gold)
    assert verdicts(accuracy_predicts_nothing(Analysis(told)), 17) == {"not observed"}


def test_overshoot_is_the_log_ratio_of_kl_at_the_last_common_step(run):
    """IPO's KL cut to a third and a little jitter: log(1/3) = -1.10."""
    jitter = np.random.default_rng(0).normal(1, 0.02, len(run.rows))
    slow = bent(run, kl=lambda r: (r.kl * jitter).where(r.method != "ipo", r.kl / 3))
    assert verdicts(ipo_overshoots_least(Analysis(slow)), 18) == {"observed"}
    cells = {c.name: c for c in slow.cells}
    one, other = cells["ipo-policy_sized-b0.005-r0"], cells["dpo-policy_sized-b0.01-r0"]
    assert log_kl_ratio(one, other) == pytest.approx(np.log(1 / 3), abs=0.25)  # grids differ by up to 10%

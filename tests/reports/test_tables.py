"""Tables beside the claims: matched KL, proxies and labels, the ledger."""

import dataclasses

import numpy as np
import pytest

from bench.stats.estimate import plus_minus
from reports.analysis.analysis import Analysis
from reports.draw.table import Value, missing
from reports.page.sentences import sentences
from reports.read.load import load
from reports.sections.claims.ledger import ledger
from reports.sections.curves.matched import matched
from reports.sections.trust.models import labels, proxies


@pytest.fixture(scope="module")
def run(built):
    return load(built)


def test_differences_at_matched_kl_are_those_of_the_truth(run):
    """PPO 0.9 (1 - (d/2.2 - 1)^2), DPO 0.6 (1 - (d/1.8 - 1)^2); at 4 nats d = 2: .593 - .893 = -.300."""
    table = matched(Analysis(run)).data.set_index("budget_nats")
    assert table.one.unique().tolist() == ["dpo-b0-r0"]
    at = table.loc[4.0]
    assert at.low < -0.300 < at.high
    assert at.high - at.low < 1
    assert "bon" not in " ".join(table.other)


def test_matched_kl_leaves_out_what_lies_beyond_the_support(run):
    assert matched(Analysis(run)).data.budget_nats.max() == 16  # 32 lies beyond the entropy of 18.3


def test_proxies_and_labels_are_the_stages_metrics(run):
    assert proxies(Analysis(run)).body[0][:3] == (
        "policy-sized, replicate 0",
        missing("the stage did not measure it"),
        "0.710",
    )
    assert labels(Analysis(run)).body[0][:3] == ("replicate 0", "4,000", "22.0%")


def test_pairs_with_equal_sides_are_counted_where_they_were_drawn(run):
    trained = {"train/online-p-r0": {"metrics": {"equal_pairs": 7}}, "train/ppo-p-r0": {"metrics": {"equal_pairs": 0}}}
    table = labels(Analysis(dataclasses.replace(run, stages={**run.stages, **trained})))
    at = table.head.index("equal sides, dropped")
    assert [(row[0], row[at]) for row in table.body] == [("replicate 0", "4"), ("online-p-r0", "7")]


def test_the_ledger_holds_the_numbers_behind_each_sentence(run):
    table = ledger(Analysis(run))
    own = table.data[table.data.setting == "PPO, β = 0"].set_index("statistic")
    hump = Analysis(run).humps[next(c.setting for c in run.cells if c.name == "ppo-b0-r0")]
    assert own.loc["rise", "point"] == hump.rise.point
    assert own.loc["fall", ["from_row", "to_row"]].tolist() == [
        hump.replicates[0].peak_row_id,
        hump.replicates[0].end_row_id,
    ]
    difference = run.ok.set_index("row_id").gold[list(own.loc["fall", ["from_row", "to_row"]])]
    assert own.loc["fall", "point"] == pytest.approx(-np.diff(difference)[0], abs=1e-9)
    links = [v for row in table.body for v in row if isinstance(v, Value)]
    assert {v.row_id for v in links} <= set(run.ok.row_id)


def test_only_what_optimises_a_proxy_is_asked_for_its_gain(make_overopt, tmp_path):
    run = load(make_overopt(tmp_path / "overopt"))
    humps = Analysis(run).humps
    asked = {name: "turn" if name in ("dpo", "ipo", "slic") else "hump" for name in run.methods}
    assert {s.method: s.test for s in sentences(Analysis(run))} == asked
    for cell in run.trained:
        names = {a.name for a in humps[cell.setting].replicates[0].evidence.inequalities}
        assert not names or ("proxy's gain" in names) == (asked[cell.method] == "hump"), cell.name


def test_a_sentence_is_about_all_replicates_or_says_which_one_lacks_a_number(make_overopt, tmp_path):
    run = load(make_overopt(tmp_path / "overopt"))
    said = {s.label: s for s in sentences(Analysis(run))}["DPO, β = 0.01"]
    hump = Analysis(run).humps[next(c.setting for c in run.cells if c.name == "dpo-policy_sized-b0.01-r0")]
    gains = [part.proxy_gain.point for part in hump.replicates]
    assert hump.proxy_gain.point == pytest.approx(np.mean(gains))
    assert f"gains {plus_minus(hump.proxy_gain.point, hump.proxy_gain.error)}" in said.text
    short = run.rows[(run.rows.cell != "dpo-policy_sized-b0.01-r1") | (run.rows.kl < 3)]
    cut = dataclasses.replace(run, rows=short)
    said = {s.label: s for s in sentences(Analysis(cut))}["DPO, β = 0.01"]
    assert said.verdict == ""
    assert said.text.startswith("gold ends at")
    assert "dpo-policy_sized-b0.01-r1: no row near the declared" in said.reason
    assert "DPO, β = 0.01" not in set(ledger(Analysis(cut)).data.setting)

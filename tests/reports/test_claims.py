"""Claims of a synthetic overopt, whose truth is known: which cells they mean, where they end, what they conclude."""

import json

import pandas as pd
import pytest
from toy_claims import declaring, judge

import reports
from reports.analysis.analysis import Analysis
from reports.read.load import load
from reports.sections.claims.claims import claim_parts, claims

HUMP = {"kind": "hump", "method": "ppo", "beta": 0, "proxy": "policy_sized", "kl": 16}
EXPECTED = [
    (HUMP, "observed"),
    ({"kind": "hump", "method": "dpo", "kl": 16}, "observed"),
    ({"kind": "hump", "method": "ppo_gold", "kl": 16}, "not observed"),
    ({"kind": "turn", "method": "dpo", "kl": 16}, "observed"),
    ({"kind": "turn", "method": "ppo_gold", "kl": 16}, "not observed"),
    (
        {"kind": "higher_peak", "method": "ppo", "beta": 0, "proxy": "policy_sized", "than": "small", "kl": 16},
        "observed",
    ),
    (
        {"kind": "higher_peak", "method": "ppo", "beta": 0, "proxy": "small", "than": "policy_sized", "kl": 16},
        "not observed",
    ),
    ({"kind": "no_fall", "method": "ppo_gold", "kl": 16}, "observed"),
    ({"kind": "no_fall", "method": "ppo_noise", "kl": 16}, "not observed"),
    ({"kind": "fall_without_rise", "method": "ppo_noise", "kl": 16}, "observed"),
    ({"kind": "fall_without_rise", "method": "ppo_gold", "kl": 16}, "not observed"),
]
PROMPTS = {"report": 160, "select": 80}


@pytest.fixture(scope="module")
def run(make_overopt, tmp_path_factory):
    return load(make_overopt(tmp_path_factory.mktemp("runs") / "overopt", prompts=PROMPTS, samples=4, spread=0.02))


@pytest.mark.parametrize(("claim", "verdict"), EXPECTED)
def test_each_kind_comes_out_as_the_truth_has_it(run, claim, verdict):
    judged = judge(run, claim)
    assert judged.decision.verdict == verdict
    assert judged.replicates == 3
    assert "t over 3 replicates" in judged.reason


@pytest.mark.parametrize(("claim", "verdict"), EXPECTED)
def test_one_replicate_decides_conditionally_and_says_so(run, claim, verdict):
    one = judge(run, claim, rows=run.rows[run.rows.replicate == 0])
    assert one.decision.verdict == verdict
    assert "conditional on one replicate" in one.reason


def test_without_beta_and_proxy_the_smallest_and_the_first_are_meant(run):
    implicit = judge(run, {"kind": "hump", "method": "ppo", "kl": 16})
    assert implicit.tests == judge(run, HUMP).tests


def test_a_declared_kl_beyond_the_entropy_is_read_within_it(run):
    """The entropy is 18.3 nats and the last budget under it 16."""
    judged = judge(run, {**HUMP, "kl": 32})
    assert judged.kl == 16
    assert judged.tests == judge(run, HUMP).tests
    assert "32 lie beyond π_ref's entropy of 18.3" in judged.reason


def test_a_turn_asks_nothing_of_the_proxy(run):
    hump, turn = (judge(run, {**HUMP, "kind": kind}) for kind in ("hump", "turn"))
    assert [a.name for a in hump.headline] == ["rise", "fall", "proxy's gain"]
    assert turn.headline == hump.headline[:2]


def test_holm_counts_all_claims_the_untestable_too(run):
    family = Analysis(declaring(run, HUMP, {**HUMP, "kind": "leap"}, {**HUMP, "beta": 7})).claims
    assert family[0].decision.p_holm == pytest.approx(3 * judge(run, HUMP).decision.p)
    assert [j.decision.verdict for j in family[1:]] == ["undecided", "undecided"]
    assert "no test of kind 'leap'" in family[1].reason
    assert "beta 7" in family[2].reason


def test_a_claim_waits_for_its_replicates_while_the_run_goes_on(run):
    """With numbers to kind at, but no verdict that further replicates could turn."""
    some = run.rows[~((run.rows.method == "ppo") & (run.rows.replicate == 2))]
    waiting = judge(run, HUMP, rows=some, run={"state": "running"})
    assert (waiting.decision.verdict, waiting.decision.p) == ("undecided", 1.0)
    assert "2 of 3 replicates so far" in waiting.reason
    assert len(waiting.headline) == 6
    assert judge(run, HUMP, rows=some).decision.verdict == "observed"


def test_a_run_without_rows_has_undecided_claims(run):
    for claim, _ in EXPECTED:
        judged = judge(run, claim, rows=run.rows[:0], samples=run.samples[:0])
        assert judged.decision.verdict == "undecided"
        assert "no cell of" in judged.reason


def test_the_rubric_judges_by_its_own_select_prompts(run):
    cell = next(c for c in run.cells if c.name == "ppo-policy_sized-b0-r0")
    curve, samples = run.scored_by(cell, "users"), run.samples[run.samples.row_id == cell.curve.row_ids[3]]
    select = samples[samples.split == "select"]
    assert curve.gold_select[3] == pytest.approx(select.rubric.mean())
    assert curve.gold_RP[3].mean() == pytest.approx(cell.rows.rubric[3])


def test_the_table_says_verdict_number_and_p_and_the_csv_all_parts(run):
    analysis = Analysis(declaring(run, *(claim for claim, _ in EXPECTED)))
    table, parts = claims(analysis), claim_parts(analysis)
    assert [row[1] for row in table.body] == [verdict for _, verdict in EXPECTED]
    assert table.body[0][2].splitlines()[0].startswith("rise ")
    assert "All claims: t over 3 replicates." in table.note
    assert not any("t over 3 replicates" in row[-1] for row in table.body)
    hump = parts.data[parts.data.claim == "claim 0"]
    assert list(hump.inequality) == ["rise", "fall", "proxy's gain"] * 4
    assert (parts.data.point > parts.data.low).all()


def test_the_page_of_a_whole_suite_carries_the_verdicts(make_overopt, tmp_path):
    declared = [{"name": "PPO rises and falls", **HUMP}, {"name": "Noise", **EXPECTED[7][0]}]
    folder = make_overopt(tmp_path / "run", claims=declared, samples=1)
    text = reports.build(folder).read_text(encoding="utf-8")
    verdicts = pd.read_csv(folder / "tables" / "claims.csv").verdict
    assert len(verdicts) == 2
    for verdict in verdicts:
        assert f'<span class="verdict {verdict.replace(" ", "-")}">{verdict}</span>' in text
    assert (folder / "tables" / "claim_parts.csv").exists()


def test_a_suite_of_failures_alone_still_has_its_claims_on_the_page(make_failed_run, tmp_path):
    folder = make_failed_run(tmp_path / "run")
    (folder / "config.json").write_text(json.dumps({"name": "toy", "claims": [{"name": "it humps", **HUMP}]}))
    text = reports.build(folder).read_text(encoding="utf-8")
    assert "it humps" in text
    assert "no cell of ppo" in text

"""Claims about two methods on a synthetic run whose truth is known: which cells they mean, what they conclude."""

import pytest
from toy_claims import judge

from reports.read.load import load

COINCIDE = {"kind": "coincide", "method": "dpo", "than": "slic", "kl": 8, "margin": 0.25}
HIGHER = {"kind": "higher_at", "method": "online_dpo", "than": "dpo", "kl": 8}
CLASSIFIER = {"kind": "better_classifier", "method": "dpo", "than": "online_dpo", "kl": 8}
EXPECTED = [
    (COINCIDE, "observed"),
    ({**COINCIDE, "method": "online_dpo", "than": "dpo"}, "not observed"),
    (HIGHER, "observed"),
    ({**HIGHER, "method": "dpo", "than": "online_dpo"}, "not observed"),
    ({**HIGHER, "than": "replay_shuffled"}, "observed"),
    (CLASSIFIER, "observed"),
    ({**CLASSIFIER, "method": "online_dpo", "than": "dpo"}, "not observed"),
]


@pytest.fixture(scope="module")
def run(preference_run):
    return load(preference_run)


@pytest.mark.parametrize(("claim", "verdict"), EXPECTED)
def test_each_kind_comes_out_as_the_truth_has_it(run, claim, verdict):
    judged = judge(run, claim)
    assert judged.decision.verdict == verdict
    assert judged.replicates == 3
    assert "t over 3 replicates" in judged.reason


def test_losses_that_never_part_are_not_said_to_coincide(run):
    """At their smallest betas DPO and IPO have the same margins of the same batches; SLiC has others from step 60."""
    judged = judge(run, {**COINCIDE, "than": "ipo"})
    assert judged.decision.verdict == "undecided"
    assert "the two are one path" in judged.reason
    assert len(judged.headline) == 2


def test_settings_with_other_betas_are_meant_by_name(run):
    """DPO at .03 against IPO at .015, which part at step 20 and reach 10 nats; one replicate each."""
    judged = judge(run, {**COINCIDE, "than": "ipo", "beta": 0.03, "than_beta": 0.015, "kl": 4, "margin": 0.5})
    assert judged.decision.verdict == "observed"
    assert "conditional on one replicate" in judged.reason
    assert "beta 7" in judge(run, {**COINCIDE, "than_beta": 7}).reason


def test_a_classifier_is_judged_at_the_last_budget_that_both_pass(run):
    """The offline cells pass 32 nats, of which the entropy of 18.3 leaves 16; cut at 5 nats they pass 4."""
    assert judge(run, {**CLASSIFIER, "kl": 32}).kl == 16
    short = run.rows[(run.rows.method != "dpo") | (run.rows.kl < 6.5)]
    cut = judge(run, CLASSIFIER, rows=short)
    assert cut.kl == 4
    assert cut.decision.verdict == "observed"
    assert "no budget" in judge(run, CLASSIFIER, rows=run.rows[(run.rows.method != "dpo") | (run.rows.kl < 0.2)]).reason


def test_methods_without_a_replicate_in_common_are_told(run):
    some = run.rows[~((run.rows.method == "dpo") & (run.rows.replicate > 0))]
    some = some[~((some.method == "online_dpo") & (some.replicate == 0))]
    assert "share no replicate" in judge(run, HIGHER, rows=some).reason

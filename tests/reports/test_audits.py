import dataclasses

import pytest

from reports.analysis.analysis import Analysis
from reports.read.load import load
from reports.sections.trust.gates import gates


@pytest.fixture(scope="module")
def run(built):
    return load(built)


def table(run):
    return gates(Analysis(run)).data.set_index("name")


def with_metric(run, stage, name, value):
    metrics = {**run.stages[stage]["metrics"], name: value}
    return dataclasses.replace(run, stages={**run.stages, stage: {**run.stages[stage], "metrics": metrics}})


@pytest.mark.parametrize(
    ("stage", "name", "value", "gate"),
    [
        ("reference", "entropy_nats", 15.9, "Entropy of π_ref (nats a sequence)"),
        ("pool", "best_of_64_gain", 1.79, "Best-of-64 by gold, gain (sd)"),
        ("pool", "best_of_1024_gain", 2.09, "Best-of-1024 by gold, gain (sd)"),
        ("pool", "near_max_share", 0.02, "π_ref samples within 0.1 sd of gold's maximum"),
        ("reference", "truncated_rate", 0.01, "π_ref samples at the length cap"),
        ("units", "gold_rubric_corr", 0.74, "Gold against rubric within prompts, on π_ref"),
    ],
)
def test_a_number_just_short_of_its_gate_fails(run, stage, name, value, gate):
    assert table(with_metric(run, stage, name, value)).verdict[gate] == "fail"


def test_a_null_metric_is_missing_and_not_zero(run):
    entropy = table(with_metric(run, "reference", "entropy_nats", None)).loc["Entropy of π_ref (nats a sequence)"]
    assert entropy.value != entropy.value
    assert entropy.verdict == ""
    assert "did not measure" in entropy.reason


def test_rows_that_their_samples_do_not_give_are_caught(run):
    name = "Rows against their stored samples: largest difference in gold"
    assert table(run).verdict[name] == "pass"
    changed = run.rows.copy()
    changed.loc[3, "gold"] += 0.01
    assert table(dataclasses.replace(run, rows=changed)).verdict[name] == "fail"


def test_pi_ref_that_scores_off_zero_fails_the_a_a_check(run):
    name = "A/A: largest |gold| / se over evaluations of π_ref"
    assert table(run).verdict[name] == "pass"
    changed = run.rows.copy()
    changed.loc[changed.method == "reference", "gold"] += 1.0
    assert table(dataclasses.replace(run, rows=changed)).verdict[name] == "fail"


def test_responses_cut_at_the_cap_fail_their_gate_within_pi_refs_entropy(run):
    name = "Largest share of responses cut at T, over rows within π_ref's entropy"
    rows = run.rows.assign(truncated_rate=0.02)
    ok = rows.index[(rows.status == "ok") & rows.kl.notna()]
    within, beyond = ok[rows.kl[ok] < run.entropy][-1], ok[rows.kl[ok] > run.entropy][-1]

    def gate(**shares):
        changed = rows.copy()
        for place, share in shares.values():
            changed.loc[place, "truncated_rate"] = share
        return table(dataclasses.replace(run, rows=changed)).loc[name]

    assert (gate().verdict, gate().value) == ("pass", 0.02)
    far = gate(far=(beyond, 0.7))
    assert (far.verdict, far.value) == ("pass", 0.02)
    assert "1 of all" in far.reason
    assert f"70% at {rows.row_id[beyond]}" in far.reason
    assert gate(near=(within, 0.11)).verdict == "fail"
    assert table(dataclasses.replace(run, rows=rows.assign(truncated_rate=None))).loc[name].reason.startswith("no row")

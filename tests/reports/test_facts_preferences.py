"""Facts about losses and about online pairs, on a synthetic run whose truth is known and on runs bent to break them."""

import dataclasses
import json
import shutil

import pytest

from bench.config.margin_losses import AT_ZERO
from reports.analysis.analysis import Analysis
from reports.facts.losses import best_betas_move, losses_at_zero, taylor_remainder
from reports.facts.offline import chosen_falls, one_frontier
from reports.facts.online import (
    offline_classifies_better,
    online_leads,
    replay_is_the_same_run,
    shuffling_loses_the_gain,
)
from reports.read.load import load


@pytest.fixture(scope="module")
def run(preference_run):
    return load(preference_run)


@pytest.fixture
def bent(preference_run, tmp_path):
    """A copy of the run with one cell's log changed by a function of each entry."""

    def make(cell, change):
        folder = shutil.copytree(preference_run, tmp_path / "bent", ignore=shutil.ignore_patterns("samples.parquet"))
        path = folder / "cells" / cell / "log.jsonl"
        entries = [change(json.loads(line)) for line in path.read_text().splitlines()]
        path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
        return load(folder)

    return make


def verdicts(found):
    return {f.verdict for f in found}


def with_gold(run, method, factor):
    """The run with one method's gold multiplied, rows and samples alike."""
    rows, samples = run.rows.copy(), run.samples.copy()
    for table, of_method in ((rows, rows.method == method), (samples, samples.row_id.str.startswith(f"{method}-"))):
        table.loc[of_method, "gold"] *= factor
    return dataclasses.replace(run, rows=rows, samples=samples)


def test_derivatives_at_zero_are_those_of_finite_differences(preferences):
    h = 1e-4
    for loss, f in preferences.F.items():
        f0, f1, f2 = AT_ZERO[loss]
        assert f(0.0) == pytest.approx(f0)
        assert (f(h) - f(-h)) / (2 * h) == pytest.approx(f1, abs=1e-7)
        assert (f(h) - 2 * f(0.0) + f(-h)) / h**2 == pytest.approx(f2, abs=1e-6)


def test_losses_and_slopes_at_the_reference_are_seen_in_logs(run):
    found = losses_at_zero(Analysis(run))
    assert len(found) == 12
    assert verdicts(found) == {"observed"}


def test_a_loss_of_another_scale_is_seen(bent):
    doubled = bent("ipo-b0.005-r0", lambda e: {**e, "loss": 2 * e["loss"]})
    assert {f.what for f in losses_at_zero(Analysis(doubled)) if f.verdict == "not observed"} == {
        "squared: the loss at π_ref"
    }
    assert {f.what for f in taylor_remainder(Analysis(doubled)) if f.verdict == "not observed"} == {
        "squared: no remainder"
    }


def test_a_wrong_preference_term_is_seen(bent):
    wrong = bent("savage-b0.01-r0", lambda e: {**e, "preference_term": 1.01 * e["preference_term"]})
    assert {f.what for f in losses_at_zero(Analysis(wrong)) if f.verdict == "not observed"} == {
        "savage: the slope at π_ref"
    }


def test_the_remainder_is_nothing_for_squares_and_of_third_order_for_smooth_losses(run):
    found = {f.what: f for f in taylor_remainder(Analysis(run))}
    assert verdicts(found.values()) == {"observed"}
    assert set(found) == {"squared: no remainder"} | {
        f"{loss}: the remainder is of third order or more" for loss in ("logistic", "exponential", "savage")
    }
    order = float(found["logistic: the remainder is of third order or more"].value.split()[1])
    assert order == pytest.approx(4, abs=0.4)  # f'''(0) is 0


def test_a_second_term_off_by_a_tenth_leaves_a_remainder_of_second_order(preference_run, tmp_path):
    folder = shutil.copytree(preference_run, tmp_path / "wrong", ignore=shutil.ignore_patterns("samples.parquet"))
    for path in (folder / "cells").glob("exponential-*/log.jsonl"):
        entries = [json.loads(line) for line in path.read_text().splitlines()]
        for entry in entries:
            entry["regularization_term"] *= 1.5
        path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    (fact,) = [f for f in taylor_remainder(Analysis(load(folder))) if f.what.startswith("exponential")]
    assert fact.verdict == "not observed"


def test_the_best_betas_move_as_the_expansion_says(run):
    (fact,) = best_betas_move(Analysis(run))
    assert (fact.number, fact.verdict) == (15, "observed")
    few = dataclasses.replace(run, rows=run.rows[run.rows.loss.isin(["squared", "exponential"])])
    assert verdicts(best_betas_move(Analysis(few))) == {"undecided"}


def test_one_frontier_is_judged_past_the_parting_and_not_before(run):
    found = {f.what: f for f in one_frontier(Analysis(run))}
    one_run = found["DPO, β = 0.01 and IPO, β = 0.005 share one curve over KL"]
    assert one_run.verdict == "undecided"
    assert "do not part" in one_run.how
    parted = found["DPO, β = 0.01 and SLiC, β = 0.005 share one curve over KL"]
    assert "at 4 to" in parted.how or "at 8 to" in parted.how


def test_imitation_is_not_asked_for_contrastive_facts(run):
    rows = run.rows.assign(loss=run.rows.loss.where(run.rows.method != "savage", "sft_chosen"))
    assert not [f for f in chosen_falls(Analysis(dataclasses.replace(run, rows=rows))) if "Savage" in f.what]
    assert [f for f in chosen_falls(Analysis(run)) if "Savage" in f.what]


def test_a_replay_is_the_same_run_line_by_line(run):
    found = replay_is_the_same_run(Analysis(run))
    assert len(found) == 3
    assert verdicts(found) == {"observed"}


@pytest.mark.parametrize("column", ["loss", "kl", "chosen_logratio"])
def test_one_number_of_a_replay_that_differs_is_seen(bent, column):
    def change(entry):
        return {**entry, column: entry[column] + 1e-12} if entry["step"] == 51 else entry

    found = replay_is_the_same_run(Analysis(bent("replay-b0.01-r1", change)))
    assert [f.verdict for f in found] == ["observed", "not observed", "observed"]


def test_a_replay_a_step_off_or_with_another_held_out_row_is_seen(bent, run):
    late = bent("replay-b0.01-r0", lambda e: {**e, "step": e["step"] + 1})
    assert replay_is_the_same_run(Analysis(late))[0].verdict == "not observed"
    rows = run.rows.copy()
    rows.loc[rows.row_id == "replay-b0.01-r2@50", "pair_accuracy"] += 1e-9
    assert replay_is_the_same_run(Analysis(dataclasses.replace(run, rows=rows)))[2].verdict == "not observed"


def test_a_replay_that_ends_early_is_judged_by_what_it_has_if_that_is_most(preference_run, tmp_path):
    folder = shutil.copytree(preference_run, tmp_path / "early", ignore=shutil.ignore_patterns("samples.parquet"))
    for replicate, share in ((0, 0.9), (1, 0.4)):
        path = folder / "cells" / f"replay-b0.01-r{replicate}" / "log.jsonl"
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(lines[: int(share * len(lines))]))
    found = replay_is_the_same_run(Analysis(load(folder)))
    assert [f.verdict for f in found] == ["observed", "undecided", "observed"]
    assert "steps of its source's" in found[0].how


def test_online_leads_where_it_was_made_to(run):
    (fact,) = online_leads(Analysis(run))
    assert (fact.number, fact.verdict) == (24, "observed")
    assert verdicts(online_leads(Analysis(with_gold(run, "online_dpo", 0.2)))) == {"not observed"}


def test_shuffling_loses_the_gain_where_it_was_made_to(run):
    """Heights .8 stored, 1.4 fresh, .9 shuffled: a sixth of the gain is kept; at 1.3, five sixths are."""
    (fact,) = shuffling_loses_the_gain(Analysis(run))
    assert (fact.number, fact.verdict) == (25, "observed")
    assert verdicts(shuffling_loses_the_gain(Analysis(with_gold(run, "replay_shuffled", 1.3 / 0.9)))) == {
        "not observed"
    }


def test_offline_classifies_better_and_writes_worse_where_it_was_made_to(run):
    (fact,) = offline_classifies_better(Analysis(run))
    assert (fact.number, fact.verdict) == (26, "observed")
    level = dataclasses.replace(run, rows=run.rows.assign(pair_accuracy=0.6))
    assert verdicts(offline_classifies_better(Analysis(level))) == {"undecided"}


def test_a_run_without_any_of_this_answers_nothing_and_says_why(built):
    plain = load(built)
    for find in (losses_at_zero, taylor_remainder, best_betas_move, replay_is_the_same_run, online_leads):
        assert verdicts(find(Analysis(plain))) == {"undecided"}
    for find in (shuffling_loses_the_gain, offline_classifies_better):
        assert verdicts(find(Analysis(plain))) == {"undecided"}

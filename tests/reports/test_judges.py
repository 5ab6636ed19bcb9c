"""Three judges with planted peaks: users' at 4 nats, writers' at 20; what the tables and the figure make of them."""

import dataclasses
import json
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

import reports
from bench.core.records import read_parquet, write_parquet
from reports.analysis.analysis import Analysis
from reports.read.load import load
from reports.schema import TABLES
from reports.sections.scorers.curves import scorers
from reports.sections.scorers.disagreement import disagreement
from reports.sections.scorers.peaks import scorer_peaks
from reports.sections.trust.gates import gates

WEIGHTS = {"tone": 3.0, "facts": 0.5}
RUBRIC_SD, WRITERS_SD = 2.0, 4.0
NOISE = 0.25


def plant(folder):
    """Write other parts into a synthetic run: tone d - .1 d^2 and facts -.6 d, each with noise.

    So users hold .4 d - .1 d^2, best at d = 2 (.4), and writers 3 tone + facts/2, times 2/4: 1.35 d - .15 d^2, best at
    d = 4.5 (3.04).
    """
    rng = np.random.default_rng(0)
    rows, samples = (read_parquet(folder / f"{name}.parquet") for name in ("rows", "samples"))
    trained = samples["row_id"].isin(rows["row_id"][rows["n"].isna()])
    d = np.sqrt(samples["row_id"].map(rows.set_index("row_id")["kl"]).astype(float))
    truth = {"tone": d - 0.1 * d**2, "facts": -0.6 * d, "filler": 0 * d}
    for part, value in truth.items():
        samples[f"rubric_{part}"] = (value + NOISE * rng.normal(size=len(d))).where(trained)
    total = sum(samples[f"rubric_{part}"] for part in truth)
    samples["rubric"] = total.where(trained, samples["rubric"].astype(float))
    names = ["rubric", *(f"rubric_{part}" for part in truth)]
    report = samples[trained & (samples["split"] == "report")]
    means = report.groupby(["row_id", "prompt_id"])[names].mean().groupby("row_id")
    for name in names:
        rows[name] = rows["row_id"].map(means[name].mean()).astype(float)
    rows["rubric_se"] = rows["row_id"].map(means["rubric"].sem()).astype(float)
    write_parquet(rows, folder / "rows.parquet")
    write_parquet(samples, folder / "samples.parquet")


def declare(folder):
    """Weights in the config, and the units that the stage `units` has of them."""
    config, stages = (json.loads((folder / f"{name}.json").read_text()) for name in ("config", "stages"))
    config["gold"] = {"type": "trained", "weights": WEIGHTS}
    units = {"rubric_sd": RUBRIC_SD, "writers_sd": WRITERS_SD, "gold_writers_corr": 0.9, "writers_rubric_corr": 0.6}
    stages["units"]["metrics"] |= {**units, "gold_rubric_corr": 0.5}
    for name, content in (("config", config), ("stages", stages)):
        (folder / f"{name}.json").write_text(json.dumps(content))


@pytest.fixture(scope="module")
def folder(make_run, tmp_path_factory):
    sizes = {"betas": (0.0,), "replicates": 3, "samples": 3, "prompts": {"report": 90, "select": 60}}
    made = make_run(tmp_path_factory.mktemp("runs") / "audit", **sizes)
    plant(made)
    declare(made)
    return made


@pytest.fixture(scope="module")
def run(folder):
    return load(folder)


def test_the_writers_score_is_the_weighted_sum_in_their_own_unit(run):
    own = run.samples[run.samples["split"] == "report"]
    expected = (3 * own.rubric_tone + 0.5 * own.rubric_facts + own.rubric_filler) * RUBRIC_SD / WRITERS_SD
    trained = own.rubric_tone.notna()
    np.testing.assert_allclose(own.writers[trained], expected[trained], atol=1e-12)
    row = run.rows[run.rows.cell == "ppo-b0-r1"].iloc[5]
    by_prompt = own[own.row_id == row.row_id].groupby("prompt_id").writers.mean()
    assert len(by_prompt) == 90
    assert row.writers == pytest.approx(by_prompt.mean())
    assert row.writers_se == pytest.approx(by_prompt.std() / np.sqrt(90))
    texts = own[own.row_id == row.row_id]
    centred = texts[["gold", "writers"]] - texts.groupby("prompt_id")[["gold", "writers"]].transform("mean")
    assert row.gold_writers_corr == pytest.approx(np.corrcoef(centred.gold, centred.writers)[0, 1])


def test_peaks_lie_where_they_were_planted(run):
    table = scorer_peaks(Analysis(run)).data
    assert set(table.method) == {"ppo", "dpo"}
    over = table[(table.method == "ppo") & (table.cell == "")].set_index("judge")
    assert over.loc["users", "d"] == pytest.approx(2.0, abs=0.6)
    assert over.loc["writers", "d"] == pytest.approx(4.5, abs=0.6)
    assert over.loc["users", "value"] == pytest.approx(0.4, abs=0.1)
    assert over.loc["writers", "value"] == pytest.approx(3.04, abs=0.1)
    d = np.sqrt(33)
    assert over.loc["users", "end"] == pytest.approx(0.4 * d - 0.1 * d**2, abs=0.1)
    assert over.loc["users", "drop"] == pytest.approx(over.loc["users", "value"] - over.loc["users", "end"], abs=1e-9)
    assert (over.n == 3).all()
    each = table[(table.method == "ppo") & (table.judge == "users") & (table.cell != "")]
    assert len(each) == 3
    assert each.d.mean() == pytest.approx(over.loc["users", "d"])


def test_the_figure_marks_each_judges_peak_in_each_panel(run):
    figure = scorers(Analysis(run))
    assert [panel.title for panel in figure.panels] == ["PPO", "DPO", "Best-of-n"]
    drawn = {s.label: s for s in figure.panels[0].series}
    over = scorer_peaks(Analysis(run)).data.query("method == 'ppo' and cell == ''").set_index("judge")
    for judge, label in (("gold", "gold"), ("writers", "writers' rubric"), ("users", "users' rubric")):
        mark = drawn[f"{label}, peak"]
        assert (mark.x[0], mark.y[0]) == pytest.approx((over.loc[judge, "d"], over.loc[judge, "value"]))
        assert f"{label}, mean of 3" in drawn
    assert not any("peak" in s.label for s in figure.panels[2].series)
    assert "tone 3, facts 0.5" in figure.caption


def test_disagreement_is_that_of_every_pair_counted_one_by_one(run):
    found = disagreement(Analysis(run)).data.set_index(["method", "one", "other", "kl_bucket"])
    rows = run.ok[(run.ok.method == "dpo") & (run.ok.kl > 4) & (run.ok.kl <= 16)]
    own = run.samples[run.samples.row_id.isin(rows.row_id) & (run.samples.split == "report")]
    pairs = differ = 0
    for _, group in own.groupby(["row_id", "prompt_id"]):
        for (a, b), (c, d) in combinations(group[["writers", "rubric"]].to_numpy(float), 2):
            pairs, differ = pairs + 1, differ + ((a < c) != (b < d))
    line = found.loc[("dpo", "writers", "users", "4 to 16")]
    assert line.pairs == pairs
    assert line.disagree == pytest.approx(differ / pairs)
    assert line.disagree_low < line.disagree < line.disagree_high
    # noise alone: writers 3, .5, 1 and users 1, 1, 1 times equal noises, so rho = 4.5 / sqrt(10.25 * 3)
    assert line.correlation == pytest.approx(4.5 / np.sqrt(10.25 * 3), abs=0.03)
    assert set(found.loc["reference"].index.get_level_values("kl_bucket")) == {"π_ref"}
    assert "bon" not in found.index.get_level_values("method")


def test_a_claim_of_an_earlier_peak_is_judged_by_the_planted_scorers(run):
    declared = [
        {"kind": "earlier_peak", "name": "u", "method": "ppo", "judge": "users", "than": "writers", "kl": 16},
        {"kind": "earlier_peak", "name": "w", "method": "ppo", "judge": "writers", "than": "users", "kl": 16},
    ]
    judged = Analysis(dataclasses.replace(run, config={**run.config, "claims": declared})).claims
    assert [j.decision.verdict for j in judged] == ["observed", "not observed"]
    assert [a.name for a in judged[0].headline] == ["fall", "other judge's gain"]


def test_gold_is_held_to_the_rubric_it_was_taught(run):
    table = gates(Analysis(run)).data.set_index("name")
    assert table.verdict["Gold against its writers' rubric within prompts, on π_ref"] == "pass"
    users = table.loc["Gold against the users' rubric within prompts, on π_ref"]
    assert (users.value, users.verdict) == (0.5, "")
    assert "no fault of gold" in users.reason
    flagged = [name for name in table.index if name.startswith("Rows whose gold-rubric correlation is under 0.6")]
    assert [name.rpartition(", ")[2] for name in flagged] == ["by its writers' rubric", "by the users' rubric"]


def test_the_page_has_the_section_and_its_files(folder):
    text = reports.build(folder).read_text(encoding="utf-8")
    assert '<section id="three-judges"' in text
    assert (folder / "figures" / "judges.png").stat().st_size > 10_000
    assert len(pd.read_csv(folder / "figures" / "judges.csv"))
    assert set(pd.read_csv(folder / "tables" / "disagreement.csv").kl_bucket) >= {"π_ref", "4 to 16", "over 16"}
    assert len(pd.read_csv(folder / "tables" / "judge_peaks.csv")) == 2 * 3 * 4


def test_a_run_without_weights_has_two_judges_and_no_section(built):
    found = load(built)
    assert "writers" not in found.samples
    assert scorers(Analysis(found)) is None
    assert not scorer_peaks(Analysis(found)).body
    assert not disagreement(Analysis(found)).body
    assert 'id="judges"' not in (built / "report.html").read_text(encoding="utf-8")


def test_a_run_of_failures_alone_has_no_judges(make_failed_run, tmp_path):
    failed = make_failed_run(tmp_path / "run")
    (failed / "config.json").write_text(json.dumps({"name": "toy", "gold": {"weights": WEIGHTS}}))
    found = load(failed)
    assert found.rows.writers.isna().all()
    assert scorers(Analysis(found)) is None
    assert not disagreement(Analysis(found)).body


def test_a_reference_that_told_no_units_leaves_the_writers_null(folder, tmp_path):
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    for name in ("rows", "samples"):
        write_parquet(read_parquet(folder / f"{name}.parquet"), tmp_path / f"{name}.parquet")
    found = load(tmp_path)
    assert found.samples.writers.isna().all()
    assert set(scorer_peaks(Analysis(found)).data.judge) == {"gold", "users"}


def test_their_columns_are_in_the_data_dictionary(run):
    for make in (scorer_peaks, disagreement):
        table = make(Analysis(run))
        assert list(table.data.columns) == list(TABLES[table.name])

import base64
import dataclasses
import gzip
import json

import pytest

from reports.page.drilldown import LARGEST, RANDOM, drilldown
from reports.read.load import load

ROW = "ppo-b0-r0@140"


def unpacked(text):
    return json.loads(gzip.decompress(base64.b64decode(text)))


@pytest.fixture(scope="module")
def run(make_run, tmp_path_factory):
    return load(make_run(tmp_path_factory.mktemp("runs") / "run", samples=3))


@pytest.fixture(scope="module")
def drilled(run):
    return drilldown(run)


@pytest.fixture(scope="module")
def common(drilled):
    return unpacked(drilled.common)


@pytest.fixture(scope="module")
def shown(drilled):
    return unpacked(drilled.cells["ppo-b0-r0"])


def stored(run, row_id):
    return run.samples[(run.samples.row_id == row_id) & (run.samples.split == "report")]


def test_every_policy_shows_its_largest_gaps_and_a_random_part(run, shown):
    assert set(shown) == {row_id for row_id in run.ok.row_id if row_id.startswith("ppo-b0-r0@")}
    samples, own = shown[ROW]["samples"], stored(run, ROW)
    assert len(samples["response"]) == LARGEST + RANDOM == 32
    assert sum(samples["largest"]) == LARGEST
    gaps = [p - g for p, g, big in zip(samples["proxy"], samples["gold"], samples["largest"], strict=True) if big]
    assert sorted(gaps) == pytest.approx(sorted((own.proxy - own.gold).nlargest(LARGEST)), abs=0.02)


def test_the_random_part_favours_the_same_prompts_at_every_policy(shown):
    def prompts(row_id):
        samples = shown[row_id]["samples"]
        return {p for p, big in zip(samples["place"], samples["largest"], strict=True) if not big}

    others = [prompts(row_id) for row_id in shown if row_id != ROW]
    assert all(len(prompts(ROW) & other) >= RANDOM / 2 for other in others)


def test_pi_refs_texts_to_the_same_prompts_are_there(run, common):
    assert set(common["reference"]["place"]) == set(range(len(common["prompts"])))
    held = set(zip(common["reference"]["place"], common["reference"]["response"], strict=True))
    own = run.samples[run.samples.row_id.str.startswith("reference@") & (run.samples.split == "report")]
    told = {(common["prompts"].index(p), r) for p, r in zip(own.prompt, own.response, strict=True)}
    assert held <= told


def test_overused_grams_are_those_that_were_planted(shown):
    told = " ".join(gram[0] for gram in shown[ROW]["grams"])
    assert "thanks again" in told
    assert "laptop" not in told
    assert shown["ppo-b0-r0@0"]["grams"] == []


def test_the_same_run_gives_the_same_packs(run, drilled):
    assert drilldown(run) == drilled


def test_samples_of_rows_that_are_not_ok_shift_nothing(run, drilled, shown):
    """The texts of a cell are its own, though those of the rows before it are gone."""
    gone = run.rows.row_id.str.startswith("ppo-b0.1")
    rows = run.rows.assign(status=run.rows.status.mask(gone, "failed"))
    fewer = drilldown(dataclasses.replace(run, rows=rows))
    assert unpacked(fewer.cells["ppo-b0-r0"]) == shown
    assert set(fewer.cells) == set(drilled.cells) - {"ppo-b0.1-r0"}
    dpo = [unpacked(d.cells["dpo-b0-r0"]) for d in (fewer, drilled)]
    assert dpo[0] == dpo[1]


def test_without_samples_there_is_no_drilldown(make_failed_run, tmp_path):
    assert drilldown(load(make_failed_run(tmp_path / "run"))) is None

"""The sections on preference methods: what is drawn and tabled is what was put in, and only where it was."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from toy_pages import figures

import reports
from bench.config.load import load_suite
from reports.analysis.analysis import Analysis
from reports.analysis.gaps import Gaps, gaps_along
from reports.analysis.strengths import curvature, predicted_slope
from reports.draw.style import KIND_COLORS, method_color
from reports.read.kind import kinds_of
from reports.read.load import load
from reports.read.pairs import learns_from_pairs, refresh_of
from reports.sections.offline.best_betas import best_betas_table
from reports.sections.offline.divergence import equivalence
from reports.sections.online.coverage import known_phrases, phrases_of
from reports.sections.online.spectrum import gains

FAMILY = {"family", "strengths", "parting", "taylor", "logratios"}
ONLINE = {"spectrum", "samplers", "replay", "accuracy", "coverage"}


@pytest.fixture(scope="module")
def run(preference_run):
    return load(preference_run)


@pytest.fixture(scope="module")
def drawn(run):
    return figures(run)


def cell(run, name):
    return next(c for c in run.cells if c.name == name)


def only(run, *methods):
    """The same run as if it had these methods alone."""
    return dataclasses.replace(run, rows=run.rows[run.rows.method.isin(methods)])


def test_each_section_needs_what_it_is_about(run, drawn, built):
    assert drawn.keys() >= FAMILY | ONLINE
    plain = load(built)
    assert not (FAMILY | ONLINE) & figures(plain).keys()
    offline = only(run, "dpo", "ipo", "slic")
    assert figures(offline).keys() & (FAMILY | ONLINE) == FAMILY
    online = only(run, "dpo", "online_dpo")
    assert figures(online).keys() & (FAMILY | ONLINE) == ONLINE - {"replay"}
    assert not equivalence(Analysis(online)).body
    assert not gains(Analysis(offline)).body


def test_curvature_is_that_of_finite_differences(preferences):
    """|f''(0) / f'(0)| by central differences of the losses written out; the hinge is straight at 0."""
    h = 1e-4
    for loss, f in preferences.F.items():
        low, middle, high = f(-h), f(0.0), f(h)
        assert curvature(loss) == pytest.approx(abs((high - 2 * middle + low) / h / ((high - low) / 2)), abs=1e-5)
    assert np.isnan(curvature("mine"))


def test_the_best_betas_go_inversely_with_curvature_where_they_were_made_to(run):
    """Grids in inverse proportion, whose ranks all end alike: slope -1, and IPO's best beta is half of DPO's."""
    found = {s.method: s for s in Analysis(run).strengths}
    slope = predicted_slope(list(found.values()))
    assert slope.low < -1 < slope.high
    assert slope.high < 0
    ratio = found["dpo"].best.beta.point / found["ipo"].best.beta.point
    assert 2 / 1.5 < ratio < 2 * 1.5  # half of a grid's step of 3 either way is noise of gold at one policy
    table = best_betas_table(Analysis(run))
    assert table.data.set_index("method").beta["dpo"] == found["dpo"].best.beta.point
    assert table.body[-1][2] == "predicted: −1"  # noqa: RUF001


def test_a_best_beta_at_the_end_of_its_grid_is_none(run):
    """Without its two smallest betas every loss is best at the smallest that is left."""
    cut = dataclasses.replace(run, rows=run.rows[run.rows.beta > 0.04])
    dpo = next(s for s in Analysis(cut).strengths if s.method == "dpo")
    assert "smallest strength that was run" in dpo.best.beta.reason


def test_paths_part_where_they_were_made_to(run):
    """SLiC's margins leave DPO's from step 60 on; IPO's never do; other betas' from step 20 on."""
    dpo, gaps = cell(run, "dpo-b0.01-r0"), Analysis(run).values.gaps
    slic = gaps_along(run.log(dpo), run.log(cell(run, "slic-b0.005-r0")))
    assert slic.gap[slic.step <= 60].max() == pytest.approx(0, abs=1e-9)
    assert 60 < slic.step[np.argmax(slic.gap >= 0.1)] < 110
    assert gaps(dpo, cell(run, "ipo-b0.005-r0")).by(8) < 1e-9
    assert gaps_along(run.log(dpo), run.log(cell(run, "ipo-b0.005-r0"))).parted == np.inf
    assert gaps(cell(run, "dpo-b0.03-r0"), cell(run, "ipo-b0.015-r0")).by(8) > 0.1


def test_a_gap_that_touches_the_limit_once_has_not_parted():
    kl = np.arange(1.0, 7.0)
    assert Gaps(kl, kl, np.array([0, 0.11, 0.05, 0.05, 0.06, 0.07])).parted == np.inf
    assert Gaps(kl, kl, np.array([0, 0.11, 0.05, 0.12, 0.2, 0.3])).parted == 2
    assert Gaps(kl[:0], kl[:0], kl[:0]).parted == np.inf


def test_the_equivalence_table_judges_past_the_parting_alone(run):
    table = equivalence(Analysis(run))
    rows = {row[0]: row for row in table.body}
    one_path = rows["IPO, β = 0.005 − DPO, β = 0.01"]  # noqa: RUF001
    assert "one path" in one_path[-1].why
    data = table.data[table.data.one == "slic-b0.005-r0"]
    assert len(data.parted_kl.unique()) == 1
    assert data.verdict.isin(["observed", "undecided"]).all()
    # The truths are one curve: every interval at a budget holds 0 but for one in twenty.
    clear = (table.data.low > 0) | (table.data.high < 0)
    assert clear.mean() < 0.15


def test_gains_are_those_of_the_truth(run):
    """Humps of height 1.4, 1.1 and .9 against .8 at d = 2 of 2.2: .992 of the differences .6, .3 and .1.

    A row's standard error is .04, of which three make a value and three replicates the difference: .02, and as much for
    what replicates differ by; allowed are 3.5 of the two together.
    """
    table = gains(Analysis(run)).data.set_index(["sampler", "budget_nats"])
    for sampler, gain in (("online", 0.6), ("iterative16", 0.3), ("replay_shuffled", 0.1)):
        at = table.loc[(sampler, 4.0)]
        assert at.difference == pytest.approx(0.992 * gain, abs=0.1)
        assert at.low < at.difference < at.high


def test_the_spectrum_runs_from_stored_pairs_to_fresh_ones(run, drawn):
    assert refresh_of(cell(run, "dpo-b0.01-r0")) == np.inf
    assert refresh_of(cell(run, "iterative-b0.01-r0")) == 16
    assert np.isnan(refresh_of(cell(run, "replay-b0.01-r0")))
    panel = drawn["spectrum"].panels[0]
    assert [label for _, label in panel.x_ticks] == ["never", "16", "1 (online)"]
    (joined,) = [s for s in panel.series if s.line]
    assert joined.label == "logistic, fresh pairs labelled by proxy"
    assert list(joined.x.round()) == [0, 1, 2]
    assert list(np.diff(joined.y) > 0) == [True, True]


def test_a_replay_lies_on_its_source_in_all_that_is_not_drawn_anew(drawn):
    over_d = {s.label: s for s in drawn["replay"].panels[0].series}
    np.testing.assert_array_equal(over_d["Online DPO"].x ** 2, over_d["Online DPO"].x ** 2)
    held_out = {s.label: s for s in drawn["accuracy"].panels[0].series}
    np.testing.assert_array_equal(held_out["Replay in order"].x, held_out["Online DPO"].x)


def test_taylor_terms_are_the_logs(run, drawn):
    terms = drawn["taylor"].panels[0]
    log = run.log(cell(run, "dpo-b0.01-r0"))
    line = next(s for s in terms.series if s.label == "DPO, β = 0.01")
    assert line.y.mean() == pytest.approx(log.preference_term.mean(), rel=0.05)
    assert {s.dash for s in terms.series} == {"solid", "dash"}


def test_phrases_by_hand():
    """'a b c d' and 'b c d e' in the first text; the second is too short; no phrase spans two texts."""
    texts = pd.DataFrame({"response": ["a b c d e", "a b c", "b c d e"]})
    found = phrases_of(texts)
    assert found.text.tolist() == [0, 0, 2]
    assert found.phrase[1] == found.phrase[2] != found.phrase[0]


def test_known_phrases_by_hand():
    """Row p: 'a b c d' is known and 'b c d z' is not. Row r1's only phrase is in r2 too; of r2's two, one is in r1."""
    columns = ["row_id", "prompt_id", "response"]
    texts = pd.DataFrame(
        [("r1", "x", "a b c d"), ("r2", "x", "a b c d e"), ("p", "x", "a b c d z"), ("p", "y", "a b c d")],
        columns=columns,
    )
    found = known_phrases(texts, ["r1", "r2"])
    assert found["mean"].to_dict() == {"p": 0.75, "r1": 1.0, "r2": 0.5}
    assert found["sem"]["p"] == pytest.approx(0.25)  # of .5 and 1


def test_texts_too_short_for_phrases_have_none():
    empty = pd.DataFrame({"row_id": ["a"], "prompt_id": ["x"], "response": ["word"]})
    assert len(phrases_of(empty).phrase) == 0
    assert not len(known_phrases(empty, ["a"]))


def test_imitation_learns_from_no_pairs(run):
    some = cell(run, "dpo-b0.01-r0")
    assert learns_from_pairs(some)
    imitation = type(some)(**{**vars(some), "rows": some.rows.assign(loss="sft_chosen")})
    assert not learns_from_pairs(imitation)


@pytest.mark.parametrize("suite", ["gpo", "online_offline"])
def test_methods_of_one_suite_have_colours_of_their_own(suite):
    config = load_suite(suite).model_dump(mode="json")
    kinds = [kinds_of(config)[name] for name in config["methods"]]
    assert all(kind.first and kind.does in KIND_COLORS for kind in kinds)
    assert len({method_color(kind).light for kind in kinds}) == len(kinds)


def test_the_page_has_both_sections_and_their_files(make_preferences, tmp_path):
    folder = make_preferences(tmp_path / "run", samples=1, replicates=1, prompts={"report": 8, "select": 6})
    text = reports.build(folder).read_text(encoding="utf-8")
    assert "<h2>The offline family</h2>" in text
    assert "<h2>Online and offline</h2>" in text
    for name in FAMILY | ONLINE:
        assert (folder / "figures" / f"{name}.png").stat().st_size > 10_000
        assert len(pd.read_csv(folder / "figures" / f"{name}.csv")) > 5
    for name in ("equivalence", "best_betas", "gains"):
        assert len(pd.read_csv(folder / "tables" / f"{name}.csv"))


def test_without_logs_and_samples_what_rests_on_them_is_left_out(run, tmp_path):
    bare = dataclasses.replace(run, path=tmp_path, samples=run.samples[:0])
    names = figures(bare).keys()
    assert names & (FAMILY | ONLINE) == (FAMILY | ONLINE) - {"strengths", "parting", "taylor"}
    assert not best_betas_table(Analysis(bare)).body
    without_logs = equivalence(Analysis(dataclasses.replace(run, path=tmp_path)))
    assert {row[1].why for row in without_logs.body} == {"no margins were logged"}

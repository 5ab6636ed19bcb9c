"""Beside each hump verdict: second opinions, Goodhart, replicates needed; and the win rate beside gold's mean."""

from dataclasses import replace

import numpy as np
import pytest

from reports.analysis.analysis import Analysis
from reports.page.sentences import sentences
from reports.read.cell import Cell
from reports.read.load import load
from reports.read.wins import by_win_rate, highest_win
from reports.sections.claims.claims import claims
from reports.sections.curves.opinions import opinions
from reports.sections.curves.wins import win_curves, win_rates

HUMP = {"name": "a hump", "kind": "hump", "method": "ppo", "proxy": "policy_sized", "kl": 16}


@pytest.fixture
def analysis(make_overopt, tmp_path):
    return Analysis(load(make_overopt(tmp_path / "run", claims=[HUMP, {**HUMP, "name": "again"}], samples=1)))


def with_wins(cell: Cell, rates) -> Cell:
    return replace(cell, rows=cell.rows.assign(win_rate=rates, win_rate_se=0.02))


def test_every_hump_verdict_has_its_second_opinions_and_what_it_needs(analysis):
    table = opinions(analysis).data
    assert len(table) == len(analysis.humps) > 0
    for (_, line), hump in zip(table.iterrows(), analysis.humps.values(), strict=True):
        assert (line.hump, line.two_lines, line.end_slopes) == (
            hump.verdict,
            hump.second.two_lines.verdict,
            hump.second.end_slopes.verdict,
        )
        assert (line.weak, line.strong) == (hump.weak.verdict, hump.strong.verdict)
        assert (line.needed_replicates is not None and line.needed_replicates == hump.needed.replicates) or (
            line.needed_reason
        )


def test_every_claim_says_what_it_would_need(analysis):
    table = claims(analysis)
    assert "would need" in table.head
    for _, line in table.data.iterrows():
        assert (line.needed_reason != "") == (line.needed_replicates is np.nan or not line.needed_replicates > 0)


def test_sentences_carry_the_second_opinions(analysis):
    tested = [s for s in sentences(analysis) if s.verdict]
    assert tested
    assert all("Second opinions: " in s.beside for s in tested)


def test_the_win_rate_stands_in_golds_place_with_its_own_peak(analysis):
    cell = next(c for c in analysis.run.trained if len(c.curve) > 3)
    rates = np.linspace(0.5, 0.9, len(cell.curve))
    won = with_wins(cell, rates)
    assert by_win_rate(won).gold == pytest.approx(rates)
    assert by_win_rate(won).gold_se == pytest.approx(np.full(len(rates), 0.02))
    assert highest_win(won) == len(rates) - 1


def test_a_run_without_win_rates_shows_none(analysis):
    bare = replace(analysis.run.trained[0], rows=analysis.run.trained[0].rows.assign(win_rate=np.nan))
    assert highest_win(bare) is None
    assert all(highest_win(cell) is None for cell in analysis.run.cells)  # the made-up run has none
    assert win_curves(analysis) is None
    assert not win_rates(analysis).body

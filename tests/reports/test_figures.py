import numpy as np
import pandas as pd
import pytest
from toy_pages import figures

from reports.draw.style import method_color, shade
from reports.read.kind import Kind
from reports.read.load import load


@pytest.fixture(scope="module")
def drawn(built):
    return figures(load(built))


def test_the_hero_has_a_panel_a_method_and_marks_the_entropy(drawn):
    hero = drawn["hero"]
    assert [panel.title for panel in hero.panels] == ["PPO", "DPO", "Best-of-n"]
    assert hero.panels[0].marks[0].x == pytest.approx(18.3**0.5)
    assert len({panel.y_range for panel in hero.panels}) == 1


def test_bands_are_1_96_standard_errors(built, drawn):
    rows = load(built).cells[0].rows
    gold = next(s for s in drawn["hero"].panels[0].series if s.label == "gold, β = 0")
    np.testing.assert_allclose(gold.high - gold.low, 2 * 1.96 * rows.gold_se.to_numpy(dtype=float))
    np.testing.assert_allclose(gold.x**2, rows.kl.to_numpy(dtype=float))


def test_a_method_keeps_its_colour_in_every_figure(drawn):
    full = {key.label: key.color for name in ("frontier", "tokens") for key in drawn[name].keys}
    ppo = method_color(Kind("any", "ppo"))
    assert full["PPO"] == ppo == drawn["hero"].panels[0].keys[0].color
    assert shade(ppo, 0, 5) == ppo


def test_the_csv_is_what_is_drawn(built, drawn):
    table = pd.read_csv(built / "figures" / "best_of_n.csv")
    measured = table[table.series.str.startswith("measured")]
    assert measured["KL to π_ref (nats)"].isna().sum() == 3  # n = 16, 32, 64 of a pool of 64
    assert len(table) == sum(len(s.x) for panel in drawn["best_of_n"].panels for s in panel.series)


def test_every_figure_says_what_it_shows(drawn):
    assert all(figure.alt and figure.caption for figure in drawn.values())

import numpy as np
import pytest
from toy_pages import figures

from reports.draw.figure import Figure, Panel, Series
from reports.draw.interactive import panel_json
from reports.draw.style import INK
from reports.read.load import load


@pytest.fixture(scope="module")
def run(built):
    return load(built)


def test_every_point_knows_its_row_and_stands_where_it_was_measured(run):
    rows = run.ok.reset_index(drop=True)
    places = {row_id: i for i, row_id in enumerate(rows.row_id)}
    hero = figures(run)["hero"]
    known = 0
    for panel in panel_json(hero, places):
        for trace in panel["data"]:
            what = "gold" if trace.get("name", "").startswith("gold") else "proxy"
            for k, i in enumerate(trace["meta"].get("rows", [])):
                row = rows.iloc[i]
                kl = row.kl if row.kl == row.kl else row.kl_analytic
                assert trace["x"][k] == pytest.approx(np.sqrt(kl), rel=1e-4)
                assert trace["y"][k] == pytest.approx(row[what], rel=1e-4, abs=1e-6)
                assert trace["meta"]["method"] == row.method
                known += 1
    assert known == 2 * len(rows[rows.method != "reference"])


def test_labels_are_escaped_for_plotly():
    x = np.array([0.0, 1.0])
    series = Series("<img src=x onerror=alert(1)>", x, x, INK)
    panel = Panel("", "<b>x</b>", "y", (series,))
    drawn = panel_json(Figure("f", "t", "c", "a", (panel,)), {})[0]
    assert "<img" not in drawn["data"][0]["hovertemplate"] + drawn["data"][0]["name"]
    assert drawn["layout"]["xaxis"]["title"]["text"] == "&lt;b&gt;x&lt;/b&gt;"

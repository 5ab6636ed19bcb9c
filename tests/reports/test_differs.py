import dataclasses

from bench.config.load import load_suite, scale_names
from bench.config.models import PairsConfig
from reports.analysis.analysis import Analysis
from reports.read.load import load
from reports.sections.trust.config import differences, flattened, from_suite


def test_only_keys_that_differ_are_told_and_whole_numbers_are_one_number():
    a = {"x": {"y": 1, "z": [1.0, 2]}, "same": "s", "gone": None}
    b = {"x": {"y": 2, "z": [1, 2.0]}, "same": "s"}
    assert differences({"a": a, "b": b}) == [("x.y", "1", "2"), ("gone", "null", "unset")]


def test_an_empty_mapping_is_a_value():
    assert flattened({"a": {}, "b": {"c": 0}}) == {"a": "{}", "b.c": "0"}


def test_a_run_of_a_suite_differs_from_it_by_what_was_set(built):
    config = load_suite("smoke").model_dump(mode="json")
    own = config["pairs"]["n"]
    config["pairs"]["n"] = 99
    run = dataclasses.replace(load(built), config=config)
    table = from_suite(Analysis(run)).data.set_index("key")
    assert table.loc["pairs.n"].tolist() == [str(PairsConfig().n), str(own), "99"]
    assert own not in (PairsConfig().n, 99)
    same = table[table["suite smoke"] == table["this run"]]
    assert "gold.steps" in same.index  # the suite's own choice, kept by the run
    assert "gold.seed" not in table.index


def test_a_suite_of_ones_own_is_held_against_the_classes(built):
    run = dataclasses.replace(load(built), config={**load_suite("smoke").model_dump(mode="json"), "name": "mine"})
    table = from_suite(Analysis(run))
    assert list(table.data.columns) == ["key", "class default", "this run"]
    assert "no installed suite" in table.note


def test_a_run_at_a_scale_is_held_against_its_suite_at_that_scale(built, tmp_path, monkeypatch):
    path = str(tmp_path / "mine.yaml")
    (tmp_path / "mine.yaml").write_text("scales: {small: {}, full: {pairs: {n: 64}}}")
    monkeypatch.setattr("reports.sections.trust.config.suite_names", lambda: ["mine"])
    monkeypatch.setattr("reports.sections.trust.config.scale_names", lambda name: scale_names(path))
    monkeypatch.setattr("reports.sections.trust.config.load_suite", lambda name, scale: load_suite(path, scale))

    def against(scale):
        config = {**load_suite(path, "full").model_dump(mode="json"), "scale": scale}
        return from_suite(Analysis(dataclasses.replace(load(built), config=config))).data.set_index("key")

    full = against("full")
    assert list(full.columns) == ["class default", "suite mine, scale full", "this run"]
    assert full.loc["pairs.n"].tolist() == ["8192", "64", "64"]
    assert (full["suite mine, scale full"] == full["this run"]).all()
    assert list(against("gone").columns) == ["class default", "this run"]  # a scale that the suite has no more

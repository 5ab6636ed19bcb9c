"""The benchmarks' own arithmetic, and the page that shows their tables."""

import time

import pytest

from bench.engine.files import read_json
from benchmarks import all as everything
from benchmarks.timing import in_turn, ratio


def test_rounds_are_in_turn_begin_with_another_side_each_time_and_leave_out_the_first(monkeypatch):
    clock, order = [0.0], []
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])

    def side(name, seconds):
        def work():
            order.append(name)
            clock[0] += seconds * (100 if len(order) <= 2 else 1)

        return work

    taken = in_turn({"a": side("a", 1), "b": side("b", 3)}, rounds=3)
    assert "".join(order) == "abbaabba"
    assert taken == {"a": [1, 1, 1], "b": [3, 3, 3]}


def test_a_ratio_is_of_medians_and_shows_its_rounds():
    # medians 6 and 2: 3; of one round 4/2, 6/1 and 9/3
    rounds = {"theirs": [4.0, 6.0, 9.0], "ours": [2.0, 1.0, 3.0]}
    assert ratio(rounds, "theirs", "ours") == {"ratio": 3.0, "rounds": "2.00-6.00"}


def test_rounds_of_unequal_number_are_refused():
    with pytest.raises(ValueError, match="zip"):
        ratio({"a": [1.0, 2.0], "b": [1.0]}, "a", "b")


def test_a_table_in_markdown():
    result = {"title": "T", "columns": ["size", "ms"], "rows": [{"ms": 12.5, "size": "s"}], "note": "N"}
    assert everything.table(result) == "### T\n\n| size | ms |\n| --- | --- |\n| s | 12.5 |\n\nN\n"


def test_the_page_shows_the_results():
    page = everything.DOCS.read_text(encoding="utf-8")
    assert everything.on_page(page, everything.markdown(read_json(everything.RESULTS))) == page


def test_every_table_has_its_place_on_the_page():
    assert set(read_json(everything.RESULTS)) <= set(everything.ORDER)

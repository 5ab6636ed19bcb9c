import math

import pytest

from reports.page.ngrams import Grams, text_of

REFERENCE = ["a b c d e f g h i j"] * 10  # 100 words, each of ten 10 times
POLICY = ["a b c d e f g h x y"] * 10  # x and y are new, i and j are gone


@pytest.fixture
def grams():
    return Grams()


def test_counts_are_those_of_a_plain_count_and_no_gram_spans_two_texts(grams):
    bag = grams.bag(["a b a b", "b"])
    counts = {text_of(int(code), list(grams._number)): int(n) for code, n in zip(bag.codes, bag.counts, strict=True)}
    assert counts == {"a": 2, "b": 3, "a b": 2, "b a": 1, "a b a": 1, "b a b": 1}
    assert bag.words == 5


def test_the_ratio_is_of_rates_with_half_an_occurrence_added(grams):
    """x: 10 of 100 words against 0 of 100, (10 + .5) / (0 + .5) = 21."""
    found = grams.overused(grams.bag(POLICY), grams.bag(REFERENCE))
    top = found[0]
    assert top.ratio == pytest.approx(21)
    assert top.rate == pytest.approx(100)
    assert top.reference_rate == 0


def test_no_gram_is_part_of_another_and_what_is_used_alike_is_left_out(grams):
    found = [g.text for g in grams.overused(grams.bag(POLICY), grams.bag(REFERENCE))]
    assert found
    assert not any(a != b and f" {a} " in f" {b} " for a in found for b in found)
    assert not {"a", "a b", "c d e"} & set(found)


def test_a_frequent_gram_comes_before_a_rare_one_of_higher_ratio(grams):
    """`often` 50 times against 5, 50 log(50.5 / 5.5) = 111; `seldom` 5 times against 0, 5 log(11) = 12."""
    reference = grams.bag(["often"] * 5 + ["z"] * 95)
    found = grams.overused(grams.bag(["often"] * 50 + ["seldom"] * 5 + ["z"] * 45), reference)
    assert [g.text for g in found] == ["often", "seldom"]
    assert math.log(found[1].ratio) > math.log(found[0].ratio)


def test_no_text_has_no_overused_gram(grams):
    assert grams.overused(grams.bag([]), grams.bag(REFERENCE)) == []
    assert grams.overused(grams.bag(POLICY), grams.bag([])) == []

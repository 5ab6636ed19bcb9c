import math

import pytest

from bench.measure.text import distinct2, repetition


def test_repetition_by_hand():
    # a b a b a b: trigrams aba bab aba bab, two of four seen before
    assert repetition("a b a b a b") == 0.5
    assert repetition("a b c d") == 0.0
    assert repetition("a b") == repetition("") == 0.0
    assert repetition("a a a a a") == pytest.approx(2 / 3)


def test_distinct2_pools_the_texts():
    # a b, b a; a b: two distinct of three
    assert distinct2(["a b a", "a b"]) == pytest.approx(2 / 3)
    assert distinct2(["a b", "c d"]) == 1.0
    assert math.isnan(distinct2(["a", ""]))

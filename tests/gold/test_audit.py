import math

import numpy as np
import pytest

from gold.audit import centred, pair_agreement, within_prompt_corr


def test_centred_by_hand():
    assert centred(np.array([1.0, 10.0, 3.0, 30.0]), ["a", "b", "a", "b"]).tolist() == [-1, -10, 1, 10]


def test_corr_is_pearson_of_centred_values_and_blind_to_prompt_offsets():
    rng = np.random.default_rng(0)
    ids = [f"p{i}" for i in range(40) for _ in range(5)]
    gold = rng.normal(size=200)
    rubric = gold + rng.normal(size=200)
    a = np.concatenate([g - g.mean() for g in gold.reshape(40, 5)])
    b = np.concatenate([r - r.mean() for r in rubric.reshape(40, 5)])
    expected = np.corrcoef(a, b)[0, 1]
    assert within_prompt_corr(gold, rubric, ids) == pytest.approx(expected)
    offsets = np.repeat(rng.normal(size=40) * 100, 5)
    assert within_prompt_corr(gold * 3 + offsets, rubric, ids) == pytest.approx(expected)


def test_no_variation_has_no_correlation():
    assert math.isnan(within_prompt_corr(np.array([1.0, 2.0]), np.array([3.0, 4.0]), ["a", "b"]))


def test_agreement_by_hand():
    # prompt a: rubric orders (0,1), (0,2), (1,2); gold agrees on the first two. b: one tie in the rubric, not counted.
    gold, rubric = np.array([0.0, 2.0, 1.0, 5.0, 6.0]), np.array([1.0, 2.0, 3.0, 4.0, 4.0])
    assert pair_agreement(gold, rubric, ["a", "a", "a", "b", "b"]) == pytest.approx(2 / 3)
    assert math.isnan(pair_agreement(gold, rubric, list("abcde")))

import math

import pytest
import torch

from bench.core.masking import masked_mean, masked_sum

NAN = float("nan")
VALUES = torch.tensor([[1.0, 2.0, NAN], [4.0, NAN, math.inf]], dtype=torch.float64)
MASK = torch.tensor([[True, True, False], [True, False, False]])


def test_masked_sum_is_per_row_and_blind_to_what_is_masked():
    assert masked_sum(VALUES, MASK).tolist() == [3.0, 4.0]  # 1 + 2, 4


def test_masked_mean_weighs_positions_not_rows():
    assert masked_mean(VALUES, MASK).item() == pytest.approx(7 / 3, rel=1e-15)  # not (1.5 + 4) / 2


def test_an_empty_mask_has_no_mean():
    with pytest.raises(ValueError, match="keeps nothing"):
        masked_mean(VALUES, torch.zeros_like(MASK))


def test_a_row_without_positions_sums_to_nothing():
    assert masked_sum(VALUES, MASK & torch.tensor([[True], [False]])).tolist() == [3.0, 0.0]


def test_a_masked_nan_leaks_into_no_gradient():
    values = VALUES.clone().requires_grad_()
    masked_sum(values, MASK).sum().backward()
    assert values.grad is not None
    assert values.grad.tolist() == [[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]]

"""What TRL's trainer is given to fit: the same scores as everywhere, and the weights that are saved."""

import pytest
import torch
import toy_lm

from bench.lm.tokens import pad
from bench.rewards.bradley_terry import LikeLength

ROWS = toy_lm.sequences()
IDS, MASK = pad(
    [ids[real].tolist() for ids, real in zip(ROWS.input_ids, ROWS.attention_mask, strict=True)], 0, left=False
)


@pytest.mark.parametrize("times", [1, 20])  # within one batch of like length, and over several
def test_a_padded_batch_has_the_scores_of_its_rows(times):
    reward = toy_lm.reward_model()
    said = LikeLength(reward.model)(IDS.repeat(times, 1), MASK.long().repeat(times, 1)).logits
    torch.testing.assert_close(said[:, 0], reward.score(ROWS).repeat(times))


def test_it_trains_the_weights_that_it_was_given():
    model = toy_lm.reward_model().model.requires_grad_(True)
    fast = LikeLength(model)
    assert {id(p) for p in fast.parameters()} == {id(p) for p in model.parameters()}
    fast(IDS, MASK.long()).logits.sum().backward()
    assert model.gpt_neox.embed_in.weight.grad.abs().sum() > 0

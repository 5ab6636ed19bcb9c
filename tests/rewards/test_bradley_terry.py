"""What TRL's trainer is given to fit: the same scores as everywhere, and the weights that are saved."""

from itertools import takewhile

import pytest
import torch
import toy_lm

from bench.lm.codec import encode, pad
from bench.rewards.bradley_terry import PairReader, forked

CHOSEN = encode(toy_lm.tokenizer(), toy_lm.PROMPTS, toy_lm.RESPONSES, toy_lm.ENDED)
REJECTED = encode(toy_lm.tokenizer(), toy_lm.PROMPTS, ["one one", "red red blue", "", "green green"])


def flat(rows):
    """Rows of tokens as TRL's collator gives them: padded on the right."""
    real = zip(rows.input_ids, rows.attention_mask, strict=True)
    return [ids[mask].tolist() for ids, mask in real]


def batch(chosen, rejected, times=1):
    ids, mask = pad(flat(chosen) * times + flat(rejected) * times, 0, left=False)
    return ids, mask.long()


@pytest.mark.parametrize("times", [1, 20])  # within one batch of like length, and over several
def test_a_padded_batch_of_pairs_has_the_scores_of_its_rows(times):
    reward = toy_lm.reward_model()
    said = PairReader(reward.model)(*batch(CHOSEN, REJECTED, times)).logits[:, 0]
    want = torch.cat([reward.score(CHOSEN).repeat(times), reward.score(REJECTED).repeat(times)])
    torch.testing.assert_close(said, want)


def test_what_both_sides_begin_with_is_read_once():
    ids, mask = batch(CHOSEN, REJECTED)
    rows = forked(ids, mask.bool())
    assert flat(rows) == flat(CHOSEN) + flat(REJECTED)
    prompts, _ = rows.prompts.distinct()
    assert len(prompts) == len(CHOSEN)
    pairs = zip(flat(CHOSEN), flat(REJECTED), strict=True)
    begun = [sum(1 for _ in takewhile(lambda two: two[0] == two[1], zip(*pair, strict=False))) for pair in pairs]
    assert prompts.mask.sum(1).sort().values.tolist() == sorted(begun)


@pytest.mark.parametrize("rejected", [CHOSEN, CHOSEN[torch.tensor([3, 2, 1, 0])]], ids=["equal", "other prompts"])
def test_sides_that_share_all_or_nothing_have_their_scores(rejected):
    reward = toy_lm.reward_model()
    said = PairReader(reward.model)(*batch(CHOSEN, rejected)).logits[:, 0]
    torch.testing.assert_close(said, torch.cat([reward.score(CHOSEN), reward.score(rejected)]))


def test_it_trains_the_weights_that_it_was_given():
    model = toy_lm.reward_model().model.requires_grad_(True)
    fast = PairReader(model)
    assert {id(p) for p in fast.parameters()} == {id(p) for p in model.parameters()}
    fast(*batch(CHOSEN, REJECTED)).logits.sum().backward()
    assert model.gpt_neox.embed_in.weight.grad.abs().sum() > 0

import math

import pytest
import torch
import toy_lm

from bench.checks.estimators import world as tab
from bench.core.types import Sequences
from bench.lm.logprobs import (
    batched,
    batched_sequence_logps,
    gather,
    like_length,
    next_token_logps,
    sequence_logps,
    token_logps,
)

# The float64 transformer differs between batches by rounding alone: 1e-15 relative, on log-probs of at
# most some tens of nats. 1e-10 leaves five digits of room and is far below what a misplaced token costs.
ROUNDING = 1e-10


def test_the_gather_equals_a_loop_over_tokens():
    policy, rows = toy_lm.policy(), toy_lm.sequences()
    got = token_logps(policy, rows)
    for b in range(len(rows)):
        read = rows.prompt_ids[b][rows.prompt_mask[b]].tolist()
        for t, token in enumerate(tab.read_response(rows, b)):
            logits = policy.model(torch.tensor([read])).logits[0, -1].tolist()
            want = logits[token] - math.log(sum(math.exp(x) for x in logits))
            assert got[b, t].item() == pytest.approx(want, abs=1e-6)  # Hugging Face's own rotary cache is float32
            read.append(token)


def test_the_gather_equals_enumerated_probabilities_of_a_table():
    policy, every = tab.TabularPolicy(0), tab.responses()
    for prompt in tab.PROMPTS:
        want = tab.distribution(policy, prompt)
        assert want.sum().item() == pytest.approx(1, abs=1e-12)
        torch.testing.assert_close(sequence_logps(policy, tab.sequences(prompt, every)).exp(), want, rtol=0, atol=1e-14)


@pytest.mark.parametrize("left", [0, 20])
@pytest.mark.parametrize("right", [0, 7])
def test_padding_changes_no_log_prob(left, right):
    policy, rows = toy_lm.policy(), toy_lm.sequences()
    want = sequence_logps(policy, rows)
    got = sequence_logps(policy, toy_lm.padded(rows, left, right))
    torch.testing.assert_close(got, want, rtol=0, atol=ROUNDING)


def test_a_row_says_the_same_alone_and_among_64():
    policy, rows = toy_lm.policy(), toy_lm.sequences()
    many = rows[torch.arange(64) % 4]
    for size in (1, 3, 64):
        got = batched_sequence_logps(policy, many, size)
        torch.testing.assert_close(got, sequence_logps(policy, rows).repeat(16), rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("size", [1, 3, 64])
def test_rows_of_like_length_in_one_pass_give_what_all_rows_at_once_give_and_the_same_gradients(size):
    policy, rows = toy_lm.policy(), toy_lm.sequences()[torch.tensor([2, 0, 3, 1, 3, 2])]
    weight_BT = torch.linspace(-1, 2, rows.response_ids.numel(), dtype=torch.float64).view(rows.response_ids.shape)

    def with_gradients(logps_BT):
        policy.zero_grad()
        (logps_BT.masked_fill(~rows.response_mask, 0.0) * weight_BT).sum().backward()
        return logps_BT.detach(), [p.grad.clone() for p in policy.parameters()]

    want, want_grads = with_gradients(gather(next_token_logps(policy, rows), rows.response_ids))
    got, grads = with_gradients(token_logps(policy, rows, size))
    kept = rows.response_mask
    torch.testing.assert_close(got[kept], want[kept], rtol=0, atol=ROUNDING)
    for a, b in zip(grads, want_grads, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=ROUNDING)


def test_float32_differs_between_batches_by_rounding_alone():
    policy, rows = toy_lm.policy(dtype=torch.float32), toy_lm.sequences()
    many = toy_lm.padded(rows[torch.arange(64) % 4], 20, 7)
    alone = torch.cat([sequence_logps(policy, rows[i : i + 1]) for i in range(4)])
    # Log-probs of up to 60 nats in float32, whose unit roundoff is 6e-8: 4e-6 a term, some ten terms.
    torch.testing.assert_close(sequence_logps(policy, many).detach(), alone.repeat(16).detach(), rtol=0, atol=1e-4)


def test_a_cut_response_pays_for_no_eos_and_an_ended_one_does():
    policy, prompt = tab.TabularPolicy(1), tab.PROMPTS[0]
    cut, ended = tab.sequences(prompt, [(2, 3)]), tab.sequences(prompt, [(2, 3, tab.EOS)])
    eos = tab.probability(policy, (*prompt, 2, 3), (tab.EOS,))
    gap = sequence_logps(policy, ended) - sequence_logps(policy, cut)
    assert gap.item() == pytest.approx(math.log(eos), abs=1e-12)


def test_a_drawn_pad_token_counts():
    policy, prompt = tab.TabularPolicy(1), tab.PROMPTS[1]
    rows = tab.sequences(prompt, [(tab.PAD, tab.EOS), (tab.EOS,)])
    want = [math.log(tab.probability(policy, prompt, r)) for r in ((tab.PAD, tab.EOS), (tab.EOS,))]
    assert sequence_logps(policy, rows).tolist() == pytest.approx(want, abs=1e-12)


def test_batches_hold_rows_of_like_length_and_trim():
    rows = tab.sequences(tab.PROMPTS[0], [(2, 2, 1), (1,), (2, 1)], width=9)
    parts = [(index.tolist(), part.response_ids.tolist()) for index, part in like_length(rows, 2)]
    assert parts == [([1, 2], [[1, 0], [2, 1]]), ([0], [[2, 2, 1]])]


def test_batched_results_keep_the_rows_order():
    rows = tab.sequences(tab.PROMPTS[0], [(2, 2, 1), (1,), (2, 1)], width=9)
    policy = tab.TabularPolicy(1)
    one_by_one = torch.cat([sequence_logps(policy, rows[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(batched(lambda _, part: sequence_logps(policy, part), rows, 2), one_by_one)
    torch.testing.assert_close(batched_sequence_logps(policy, rows, 2), one_by_one)
    tokens_BT = batched(lambda _, part: token_logps(policy, part), rows, 2)
    assert tokens_BT.shape == (3, 9)
    torch.testing.assert_close(tokens_BT.masked_fill(~rows.response_mask, 0.0).sum(1), one_by_one)


def test_nan_logits_at_masked_places_do_not_leak():
    class Broken(tab.Policy):
        def forward(self, input_ids, attention_mask, position_ids):
            logits = torch.zeros(*input_ids.shape, tab.V, dtype=torch.float64)
            logits[0, 2:] = math.nan  # row 0: one prompt token, a response of one token, then padding
            return logits

    rows = Sequences(
        torch.tensor([[2], [2]]),
        torch.ones(2, 1, dtype=torch.bool),
        torch.tensor([[1, 0, 0], [2, 2, 1]]),
        torch.tensor([[True, False, False], [True, True, True]]),
    )
    assert sequence_logps(Broken(), rows).tolist() == pytest.approx([-math.log(4), -3 * math.log(4)])

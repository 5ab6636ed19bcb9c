import numpy as np
import pytest
import torch
import toy_lm
from scipy.stats import chisquare

from bench.checks.estimators import world as tab
from bench.core.seeds import stream
from bench.core.types import Prompts
from bench.lm.codec import encode_prompts
from bench.lm.generate import generate, generate_with_distributions, generate_with_logps, pick
from bench.lm.logprobs import next_token_logps, token_logps

PAD, EOS = 0, 3  # of toy_lm's tokenizer


def draw_toy(policy, prompts, *seed, longest=tab.T):
    return generate(policy, prompts, longest, tab.EOS, tab.PAD, stream("test", *seed))


def write(policy, prompts, *seed, longest=20):
    return generate(policy, prompts, longest, EOS, PAD, stream("test", *seed))


def test_pick_inverts_the_cumulative_distribution():
    logits = torch.tensor([[0.1, 0.2, 0.0, 0.7]], dtype=torch.float64).log()  # token 2 has no mass
    uniforms = torch.tensor([0.0, 0.0999, 0.1001, 0.2999, 0.3001, 1 - 2**-53], dtype=torch.float64)
    assert pick(logits.expand(6, 4), uniforms).tolist() == [0, 0, 1, 1, 3, 3]


def test_pick_never_draws_a_token_without_mass():
    logits = torch.tensor([[-np.inf, 0.0, -np.inf]], dtype=torch.float32)
    uniforms = torch.tensor([0.0, 0.5, 1 - 2**-53], dtype=torch.float64)
    assert pick(logits.expand(3, 3), uniforms).tolist() == [1, 1, 1]


@pytest.mark.parametrize("prompt", tab.PROMPTS)
def test_responses_come_with_their_enumerated_probabilities(prompt):
    policy, every, n = tab.TabularPolicy(0), tab.responses(), 20_000
    drawn = draw_toy(policy, tab.prompts(n, [prompt]), 1)
    at = {response: i for i, response in enumerate(every)}
    counts = np.bincount([at[tab.read_response(drawn, i)] for i in range(n)], minlength=len(every))
    expected = n * tab.distribution(policy, prompt).detach().numpy()
    assert expected.min() > 5  # what a chi-square needs
    assert chisquare(counts, expected).pvalue > 1e-3


def test_rows_are_independent_of_each_other():
    policy, n = tab.TabularPolicy(0), 20_000
    first = draw_toy(policy, tab.prompts(n, [tab.PROMPTS[0]]), 2).response_ids[:, 0]
    pairs = np.bincount((first[::2] * tab.V + first[1::2]).numpy(), minlength=tab.V**2).reshape(tab.V, tab.V)
    p = [tab.probability(policy, tab.PROMPTS[0], (token,)) for token in range(tab.V)]
    assert chisquare(pairs.ravel(), (n / 2 * np.outer(p, p)).ravel()).pvalue > 1e-3


def test_a_response_ends_with_its_only_eos_or_is_cut_without_one():
    drawn = draw_toy(tab.TabularPolicy(0), tab.prompts(200), 3)
    kinds = set()
    for i in range(len(drawn)):
        response = tab.read_response(drawn, i)
        assert tab.EOS not in response[:-1]
        assert response[-1] == tab.EOS or len(response) == tab.T
        assert set(drawn.response_ids[i][~drawn.response_mask[i]].tolist()) <= {tab.PAD}
        kinds.add((response[-1] == tab.EOS, len(response) == tab.T))
    assert kinds == {(True, True), (True, False), (False, True)}


def test_a_longer_limit_only_continues_what_a_shorter_one_cut():
    policy, prompt = toy_lm.policy(), encode_prompts(toy_lm.tokenizer(), ["red"])  # one row: the same uniforms
    for seed in range(8):
        short, long = (tab.read_response(write(policy, prompt, 4, seed, longest=n), 0) for n in (4, 12))
        assert long[: len(short)] == short


def test_the_same_stream_draws_the_same_and_another_does_not():
    policy, prompts = toy_lm.policy(), encode_prompts(toy_lm.tokenizer(), toy_lm.PROMPTS)
    a, b, c = write(policy, prompts, 5), write(policy, prompts, 5), write(policy, prompts, 6)
    assert torch.equal(a.response_ids, b.response_ids)
    assert a.response_ids.shape != c.response_ids.shape or not torch.equal(a.response_ids, c.response_ids)


@pytest.mark.parametrize("policy", [toy_lm.policy(), toy_lm.policy(dtype=torch.float32)], ids=["64", "32"])
def test_a_rows_draw_does_not_depend_on_its_neighbours(policy):
    tokenizer = toy_lm.tokenizer()
    crowd = encode_prompts(tokenizer, ["red two"] + toy_lm.PROMPTS * 16)
    others = encode_prompts(tokenizer, ["red two"] + list(reversed(toy_lm.PROMPTS)) * 16)
    alone = encode_prompts(tokenizer, ["red two"])
    drawn = [tab.read_response(write(policy, prompts, 7), 0) for prompts in (crowd, others, alone)]
    assert drawn[0] == drawn[1] == drawn[2]


@pytest.mark.parametrize("left", [0, 20])
def test_left_padding_changes_no_drawn_token(left):
    policy, prompts = toy_lm.policy(), encode_prompts(toy_lm.tokenizer(), toy_lm.PROMPTS * 4)
    ids = torch.nn.functional.pad(prompts.ids, (left, 0), value=7)
    wide = Prompts(ids, torch.nn.functional.pad(prompts.mask, (left, 0)))
    a, b = write(policy, prompts, 8), write(policy, wide, 8)
    assert torch.equal(a.response_ids, b.response_ids)
    assert torch.equal(a.response_mask, b.response_mask)


def test_the_cached_decoder_draws_what_the_prefix_decoder_draws():
    policy, prompts = toy_lm.policy(), encode_prompts(toy_lm.tokenizer(), toy_lm.PROMPTS * 16)
    a, b = write(policy, prompts, 9), write(toy_lm.Uncached(policy), prompts, 9)
    assert len(set(a.lengths.tolist())) > 3  # rows did leave the batch at different times
    assert torch.equal(a.response_ids, b.response_ids)


@pytest.mark.parametrize(
    ("dtype", "nats"), [(torch.float64, 1e-6), (torch.float32, 1e-5)]
)  # the rotary cache is float32
def test_log_probs_kept_from_sampling_are_those_of_a_reading(dtype, nats):
    policy, prompts = toy_lm.policy(dtype=dtype), encode_prompts(toy_lm.tokenizer(), toy_lm.PROMPTS * 16)
    rows, kept_BT = generate_with_logps(policy, prompts, 12, EOS, PAD, torch.Generator().manual_seed(9))
    mask_BT = rows.response_mask
    assert len(set(rows.lengths.tolist())) > 3  # rows did leave the batch at different times
    assert (kept_BT - token_logps(policy, rows).detach())[mask_BT].abs().max() < nats
    assert kept_BT[~mask_BT].abs().max() == 0


def test_distributions_kept_from_sampling_are_those_of_a_reading_and_change_no_draw():
    policy, prompts = toy_lm.policy(), encode_prompts(toy_lm.tokenizer(), toy_lm.PROMPTS * 16)
    rows, logps_BTV = generate_with_distributions(policy, prompts, 12, EOS, PAD, torch.Generator().manual_seed(9))
    plain = generate(policy, prompts, 12, EOS, PAD, torch.Generator().manual_seed(9))
    assert torch.equal(rows.response_ids, plain.response_ids)
    assert len(set(rows.lengths.tolist())) > 3  # rows did leave the batch at different times
    apart_BTV = (logps_BTV - next_token_logps(policy, rows).detach()).abs()
    assert apart_BTV[rows.response_mask].max() < 1e-6  # the rotary cache is float32


def test_the_cached_decoder_keeps_its_place_when_rows_leave():
    policy, prompts = toy_lm.policy(), encode_prompts(toy_lm.tokenizer(), toy_lm.PROMPTS)
    rows = torch.arange(4)
    decoders = [p.read(prompts).decoder(rows, 4) for p in (policy, toy_lm.Uncached(policy))]

    def same(logits):
        torch.testing.assert_close(*logits, rtol=0, atol=1e-10)  # float64 rounding

    with torch.no_grad():
        same([d.first() for d in decoders])
        same([d.next(torch.tensor([5, 6, 7, 8])) for d in decoders])
        for decoder in decoders:
            decoder.keep(torch.tensor([1, 3]))
        same([d.next(torch.tensor([9, 10])) for d in decoders])
        same([d.next(torch.tensor([5, 5])) for d in decoders])

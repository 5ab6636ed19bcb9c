"""The reading of a reward at every token: its formula, its two passes, its folder, its fit."""

import pytest
import torch
import toy_lm
from transformers import AutoModelForSequenceClassification

from bench.lm.codec import encode, pad
from bench.lm.logprobs import token_logps
from bench.lm.policy import TransformerPolicy
from bench.rewards.bradley_terry import PairReader
from bench.rewards.config import BradleyTerryConfig
from bench.rewards.readings import WORDS_LR, load, new_model, parameter_groups, reader

ROWS = toy_lm.sequences()
REJECTED = encode(toy_lm.tokenizer(), toy_lm.PROMPTS, ["one one", "red red blue", "", "green green"])
USUAL = 2.5


def model(reading="tokens", lm=None, seed=0):
    """A model with random numbers for its words."""
    config = BradleyTerryConfig(model=toy_lm.SIZE, init="lm" if lm else "scratch", reading=reading)
    made = new_model(config, toy_lm.tokenizer(), toy_lm.POSITIONS, USUAL, lm, seed)
    if reading != "last":
        torch.nn.init.normal_(made.word.weight, generator=torch.Generator().manual_seed(seed))
    return made.double().eval()


def by_hand(made, rows, divided):
    """The formula, a token at a time."""
    logp_BT = token_logps(TransformerPolicy(made.lm), rows)
    scores = []
    for ids, mask, logps in zip(rows.response_ids, rows.response_mask, logp_BT, strict=True):
        terms = [
            made.word.weight[i, 0] + made.word.weight[i, 1] * p for i, p in zip(ids[mask], logps[mask], strict=True)
        ]
        total = sum(terms, start=torch.tensor(0.0, dtype=torch.float64))
        scores.append(total * USUAL / max(len(terms), USUAL / 2) if divided else total)
    return torch.stack(scores)


@pytest.mark.parametrize("reading", ["tokens", "tokens_summed"])
def test_a_score_is_the_formula_a_token_at_a_time(reading):
    made, rows = model(reading), REJECTED
    assert rows.lengths.min() < USUAL / 2 < rows.lengths.max()  # the floor acts on one, on others not
    got = reader(made).score(rows)
    torch.testing.assert_close(got, by_hand(made, rows, reading == "tokens"))
    assert got.unique().numel() == len(rows)


@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("reading", ["tokens", "tokens_summed"])
def test_transformers_and_the_fast_pass_agree_on_rows_padded_on_either_side(reading, left):
    made = model(reading)
    ids, mask = pad([i[m].tolist() for i, m in zip(ROWS.input_ids, ROWS.attention_mask, strict=True)], 7, left=left)
    plain = made(ids, mask.long()).logits[:, 0]
    torch.testing.assert_close(plain, reader(made).score(ROWS))
    torch.testing.assert_close(reader(made).score(toy_lm.padded(ROWS, 3, 2)), plain)


@pytest.mark.parametrize("reading", ["tokens", "tokens_summed", "last"])
def test_a_folder_loads_as_the_reading_that_it_holds(tmp_path, reading):
    made = model(reading)
    made.save_pretrained(tmp_path)
    want = reader(made).score(ROWS)
    torch.testing.assert_close(load(tmp_path, "cpu").double().score(ROWS), want, rtol=1e-5, atol=1e-6)
    auto = AutoModelForSequenceClassification.from_pretrained(tmp_path, local_files_only=True).double()
    assert type(auto) is type(made)
    if reading != "last":
        assert (auto.config.per_token, auto.config.usual_length) == (reading == "tokens", USUAL)


@pytest.mark.parametrize("reading", ["tokens", "last"])
def test_a_new_model_of_an_lm_has_its_weights_and_scores_nothing(tmp_path, reading):
    policy = toy_lm.policy(0, torch.float32)
    policy.model.save_pretrained(tmp_path)
    config = BradleyTerryConfig(model=toy_lm.SIZE, reading=reading)
    made = new_model(config, toy_lm.tokenizer(), toy_lm.POSITIONS, USUAL, tmp_path, 0)
    assert reader(made).score(ROWS).abs().max() == 0
    trunk = made.lm.gpt_neox if reading == "tokens" else made.gpt_neox
    assert all(torch.equal(v, policy.model.gpt_neox.state_dict()[k]) for k, v in trunk.state_dict().items())


def test_a_new_model_from_scratch_leaves_the_global_generator_alone():
    before = torch.random.get_rng_state()
    one, same, other = (model(seed=seed).lm.lm_head.weight for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(before, torch.random.get_rng_state())


def test_words_learn_faster_than_the_trunk_and_nothing_is_left_out():
    made = model()
    trunk, words = parameter_groups(made, 1e-3)
    assert (trunk["lr"], words["lr"]) == (1e-3, WORDS_LR * 1e-3)
    every = {id(p) for p in made.parameters()}
    assert {id(p) for p in trunk["params"]} | {id(p) for p in words["params"]} == every
    assert len(parameter_groups(model("last"), 1e-3)) == 1


@pytest.mark.parametrize("reading", ["tokens", "tokens_summed"])
def test_pairs_that_begin_alike_have_the_scores_and_gradients_of_their_rows(reading):
    """What two responses begin with has log-probs of its own, so a pass may share the prompt alone."""
    alike = encode(toy_lm.tokenizer(), toy_lm.PROMPTS[:2], ["one two red", "one two"])
    other = encode(toy_lm.tokenizer(), toy_lm.PROMPTS[:2], ["one two blue", "one two two"])
    for chosen, rejected in ((ROWS, REJECTED), (alike, other)):
        made = model(reading).requires_grad_(True)
        flat = [i[m].tolist() for s in (chosen, rejected) for i, m in zip(s.input_ids, s.attention_mask, strict=True)]
        ids, mask = pad(flat, 0, left=False)
        said = PairReader(made)(ids, mask.long()).logits[:, 0]
        want = torch.cat([reader(made)(chosen), reader(made)(rejected)])
        torch.testing.assert_close(said, want)
        got = torch.autograd.grad(said.sum(), list(made.parameters()))
        for one, two in zip(got, torch.autograd.grad(want.sum(), list(made.parameters())), strict=True):
            torch.testing.assert_close(one, two)

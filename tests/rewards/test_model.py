import pytest
import torch
import toy_lm

from bench.checks.estimators import world as tab
from bench.rewards.model import RewardModel, load_reward_model, with_zero_head

ROUNDING = 1e-10  # float64; see tests/lm/test_logprobs.py


def test_the_score_is_the_heads_value_after_reading_the_whole_text():
    model, rows = toy_lm.reward_model(), toy_lm.sequences()
    for b in range(len(rows)):
        read = [*rows.prompt_ids[b][rows.prompt_mask[b]].tolist(), *tab.read_response(rows, b)]
        hidden = model.model.gpt_neox(input_ids=torch.tensor([read])).last_hidden_state[0, -1]
        want = float(hidden @ model.model.score.weight[0])
        assert model(rows)[b].item() == pytest.approx(want, abs=1e-6)  # the rotary cache is float32


def test_hugging_face_reads_the_same_number_from_unpadded_text():
    model, rows = toy_lm.reward_model(), toy_lm.sequences()
    for b in range(len(rows)):
        read = [*rows.prompt_ids[b][rows.prompt_mask[b]].tolist(), *tab.read_response(rows, b)]
        logits = model.model(input_ids=torch.tensor([read])).logits
        assert model(rows)[b].item() == pytest.approx(logits.item(), abs=1e-6)


@pytest.mark.parametrize(("left", "right"), [(20, 0), (0, 6), (20, 6)])
def test_padding_changes_no_score(left, right):
    model, rows = toy_lm.reward_model(), toy_lm.sequences()
    torch.testing.assert_close(model(toy_lm.padded(rows, left, right)), model(rows), rtol=0, atol=ROUNDING)


def test_a_score_is_the_same_alone_and_among_64():
    model, rows = toy_lm.reward_model(), toy_lm.sequences()
    many = rows[torch.arange(64) % 4]
    for size in (1, 5, 64):
        torch.testing.assert_close(model.score(many, size), model(rows).repeat(16), rtol=0, atol=ROUNDING)


def test_a_pad_token_that_was_drawn_is_read():
    rows = toy_lm.sequences()
    ended = rows.response_ids.clone()
    ended[1, rows.lengths[1] - 1] = 0
    with_pad = type(rows)(rows.prompt_ids, rows.prompt_mask, ended, rows.response_mask)
    model = toy_lm.reward_model()
    assert abs(float(model(with_pad)[1] - model(rows)[1])) > 1e-3
    read = [*rows.prompt_ids[1][rows.prompt_mask[1]].tolist(), *tab.read_response(with_pad, 1)]
    hidden = model.model.gpt_neox(input_ids=torch.tensor([read])).last_hidden_state[0, -1]
    assert model(with_pad)[1].item() == pytest.approx(float(hidden @ model.model.score.weight[0]), abs=1e-6)


def test_a_saved_model_scores_the_same(tmp_path):
    model = toy_lm.reward_model(dtype=torch.float32)
    model.model.save_pretrained(tmp_path)
    assert torch.equal(load_reward_model(tmp_path, "cpu").score(toy_lm.sequences()), model.score(toy_lm.sequences()))


def test_a_zero_head_on_the_policys_trunk():
    policy, fresh = toy_lm.policy(), toy_lm.reward_model()
    model = RewardModel(with_zero_head(policy.model, fresh.model))
    assert model(toy_lm.sequences()).tolist() == [0.0] * 4
    trunk = policy.model.gpt_neox.state_dict()
    assert all(torch.equal(trunk[k], v) for k, v in model.model.gpt_neox.state_dict().items())

"""Our pass over GPT-NeoX against Hugging Face's, in float64; its rotary cache is float32, hence the tolerance."""

import pytest
import torch
import toy_lm
from transformers import GPTNeoXConfig, GPTNeoXModel

from bench.checks.estimators import world as tab
from bench.core.types import Prompts
from bench.lm.logprobs import next_token_logps
from bench.lm.neox import Trunk

ROTARY = 1e-6


def hidden(model, read):
    """The states of Hugging Face's own pass over one unpadded text."""
    return model.gpt_neox(input_ids=torch.tensor([read])).last_hidden_state[0]


@pytest.fixture(params=[False, True], ids=["sequential", "parallel"])
def model(request):
    model = toy_lm.policy().model
    for layer in model.gpt_neox.layers:
        layer.use_parallel_residual = request.param
        for name, weights in layer.named_parameters():  # fresh biases are 0 and norms 1, which would hide errors
            with torch.no_grad():
                weights += 0.1 * torch.randn(weights.shape, generator=torch.Generator().manual_seed(len(name)))
    return model


def test_states_are_hugging_faces(model):
    rows = toy_lm.sequences()  # prompts of four lengths
    prefix = Trunk(model.gpt_neox).read(rows.prompts)
    states_BUW = prefix.states(torch.arange(4), rows.response_ids)
    for b in range(4):
        prompt, response = rows.prompt_ids[b][rows.prompt_mask[b]].tolist(), tab.read_response(rows, b)
        want = hidden(model, [*prompt, *response])[len(prompt) - 1 :]
        torch.testing.assert_close(states_BUW[b, : len(response) + 1], want, rtol=0, atol=ROTARY)


def test_a_prompt_read_once_serves_every_response(model):
    rows = toy_lm.sequences()
    trunk, order = Trunk(model.gpt_neox), torch.tensor([2, 0, 2, 1, 2])
    answers = rows.response_ids[torch.tensor([0, 1, 2, 3, 3])]
    shared = trunk.read(rows.prompts).states(order, answers)
    apart = trunk.read(rows.prompts[order]).states(torch.arange(5), answers)
    torch.testing.assert_close(shared, apart, rtol=0, atol=1e-10)


def test_gradients_are_hugging_faces():
    policy, rows = toy_lm.policy(), toy_lm.sequences()
    policy.requires_grad_(True)

    def gradients(logps_BTV):
        policy.zero_grad()
        logps_BTV[rows.response_mask].square().sum().backward()
        return {name: weights.grad.clone() for name, weights in policy.named_parameters()}

    ours = gradients(next_token_logps(policy, rows))
    theirs = gradients(next_token_logps(toy_lm.Uncached(policy), rows))
    assert ours.keys() == theirs.keys()
    for name, gradient in theirs.items():
        torch.testing.assert_close(ours[name], gradient, rtol=1e-5, atol=1e-5 * float(gradient.abs().max()))


@pytest.fixture
def _two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("_two_threads")
def test_gradients_of_a_shared_prompt_repeat_to_the_byte_on_several_threads():
    config = GPTNeoXConfig(
        vocab_size=8, hidden_size=128, num_hidden_layers=1, num_attention_heads=4, intermediate_size=128
    )
    model, ids = GPTNeoXModel(config), torch.ones(1, 32, dtype=torch.long)
    trunk, row_B = Trunk(model), torch.zeros(64, dtype=torch.long)
    response_BT = torch.randint(8, (64, 8), generator=torch.Generator().manual_seed(0))

    def gradient():
        model.zero_grad()
        trunk.read(Prompts(ids, ids.bool())).states(row_B, response_BT).square().sum().backward()
        return model.layers[0].attention.query_key_value.weight.grad.clone()

    first = gradient()
    assert all(torch.equal(gradient(), first) for _ in range(8))


def test_distinct_prompts_are_told_apart_by_their_mask_too():
    rows = toy_lm.sequences()[torch.tensor([3, 1, 3, 0])]
    prompts, row_B = rows.prompts.distinct()
    assert len(prompts) == 3
    again = prompts[row_B]
    assert torch.equal(again.mask, rows.prompt_mask)
    assert torch.equal(again.ids[again.mask], rows.prompt_ids[rows.prompt_mask])


def test_a_model_that_would_be_read_wrongly_is_refused(model):
    model.gpt_neox.config.hidden_dropout = 0.1
    with pytest.raises(ValueError, match=r"dropout 0\.1"):
        Trunk(model.gpt_neox)

import math

import pytest
import torch
import toy_lm

from bench.checks.estimators import world as tab
from bench.core.seeds import stream
from bench.core.types import Rollouts, Sequences
from bench.lm.logprobs import token_logps
from bench.losses.ppo import PPO, Critic, Experience, TransformerCritic
from bench.rewards.model import RewardModel

REFERENCE = tab.TabularPolicy(0)


def loss(critic=None, beta=0.5, minibatch=3, epochs=2, lam=1.0, whiten=False):
    return PPO(critic or tab.TabularCritic(), beta, minibatch, epochs, 0.2, 0.3, lam, 1e-3, tab.T, whiten)


def rollouts(policy=REFERENCE, score=None):
    rows = tab.sequences((2,), [(1,), (2, 3, 0), (3, 1), (0, 2, 1), (3, 3, 3), (2, 1)])
    score = torch.arange(6, dtype=torch.float64) if score is None else score
    return Rollouts(rows, score, *(token_logps(x, rows).detach() for x in (policy, REFERENCE)))


class Constant(Critic):
    def __init__(self, value):
        super().__init__()
        self.value = torch.nn.Parameter(torch.tensor(value, dtype=torch.float64))

    def forward(self, sequences: Sequences):
        return self.value.expand(sequences.response_ids.shape)


def test_experience_by_hand():
    # Policy = pi_ref, so the reward is the score at the last token; values are 1; lambda 1:
    # every token's return is the score, its advantage the score minus 1.
    made = loss(Constant(1.0)).experience(rollouts())
    mask = made.sequences.response_mask
    want = torch.arange(6, dtype=torch.float64)[:, None].expand(mask.shape)
    torch.testing.assert_close(made.returns_BT[mask], want[mask])
    torch.testing.assert_close(made.advantages_BT[mask], want[mask] - 1)
    assert made.advantages_BT[~mask].abs().max() == 0


def test_whitening_touches_advantages_and_not_what_the_critic_learns():
    raw, white = (loss(Constant(1.0), whiten=on).experience(rollouts()) for on in (False, True))
    mask = raw.sequences.response_mask
    assert torch.equal(raw.returns_BT, white.returns_BT)
    assert white.advantages_BT[mask].mean().item() == pytest.approx(0, abs=1e-12)
    assert white.advantages_BT[mask].std(unbiased=False).item() == pytest.approx(1, abs=1e-6)


def test_the_kl_stands_in_the_reward():
    policy, beta = tab.TabularPolicy(1), 0.5
    made = loss(Constant(0.0), beta).experience(rollouts(policy))
    for i in range(6):
        response = tab.read_response(made.sequences, i)
        ratio = tab.probability(policy, (2,), response) / tab.probability(REFERENCE, (2,), response)
        assert made.returns_BT[i, 0].item() == pytest.approx(i - beta * math.log(ratio), abs=1e-12)


def test_each_pass_visits_every_rollout_once():
    whole = loss(epochs=3, minibatch=4)
    parts = list(whole.minibatches(REFERENCE, rollouts(), stream("x")))
    assert [len(part) for part in parts] == [4, 2] * 3
    for epoch in range(3):
        scores = torch.cat([part.returns_BT[:, 0] for part in parts[2 * epoch : 2 * epoch + 2]])
        assert sorted(scores.tolist()) == pytest.approx([0, 1, 2, 3, 4, 5])


def test_the_first_policy_gradient_is_reinforce_with_a_baseline():
    # At ratio 1 the gradient is -E[sum_t A_t grad log pi_t] / T, whatever the clip.
    policy, critic = tab.TabularPolicy(1), tab.TabularCritic()
    ppo = loss(critic)
    made = ppo.experience(rollouts(policy))
    (got,) = torch.autograd.grad(ppo(policy, made)[0], policy.logits)
    logps = token_logps(policy, made.sequences)
    surrogate = -(logps * made.advantages_BT * made.sequences.response_mask).sum() / 6 / tab.T
    (want,) = torch.autograd.grad(surrogate, policy.logits)
    torch.testing.assert_close(got, want, rtol=0, atol=1e-12)


def one_token(old_ratio, advantage, value=0.0, returned=0.0):
    """Experience of one token whose probability has moved by `old_ratio` since it was drawn."""
    rows = tab.sequences((2,), [(1,)])
    logp = token_logps(REFERENCE, rows).detach()
    numbers = [torch.tensor([[x]], dtype=torch.float64) for x in (value, advantage, returned)]
    return Experience(rows, logp - torch.tensor(old_ratio, dtype=torch.float64).log(), *numbers)


@pytest.mark.parametrize(
    ("ratio", "advantage", "gain"),
    [(1.1, 2.0, 2.2), (1.5, 2.0, 2.4), (0.5, 2.0, 1.0), (1.5, -2.0, -3.0), (0.5, -2.0, -1.6)],
)
def test_the_clip_by_hand(ratio, advantage, gain):
    # clip .2: min(ratio A, clamp(ratio, .8, 1.2) A); a constant 1 / T in front
    _, info = loss(Constant(0.0))(REFERENCE, one_token(ratio, advantage))
    assert info["policy_loss"] == pytest.approx(-gain / tab.T, abs=1e-12)
    assert info["clip_share"] == float(not 0.8 <= ratio <= 1.2)


@pytest.mark.parametrize(("new", "error"), [(0.2, 0.64), (0.9, 0.49), (-0.1, 1.21), (2.0, 1.0)])
def test_the_value_clip_by_hand(new, error):
    # old value 0, return 1, value clip .3: max((v - 1)^2, (clamp(v, -.3, .3) - 1)^2), then / 2T
    _, info = loss(Constant(new))(REFERENCE, one_token(1.0, 0.0, value=0.0, returned=1.0))
    assert info["value_loss"] == pytest.approx(error / (2 * tab.T), abs=1e-12)


def test_padding_changes_neither_loss_nor_gradient():
    policy = tab.TabularPolicy(1)

    def gradient(width):
        rows = tab.sequences((2,), [(1,), (2, 3, 0)], width)
        score = torch.tensor([1.0, -2.0], dtype=torch.float64)
        given = Rollouts(rows, score, *(token_logps(x, rows).detach() for x in (policy, REFERENCE)))
        ppo = loss(whiten=True)
        total, _ = ppo(policy, ppo.experience(given))
        return torch.autograd.grad(total, [policy.logits, ppo.critic.values])

    for a, b in zip(gradient(3), gradient(8), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-14)


def test_the_transformer_critic_reads_the_text_before_each_token():
    model, rows = toy_lm.reward_model(), toy_lm.sequences()
    got = TransformerCritic(RewardModel(model.model))(rows)
    assert got.shape == rows.response_ids.shape
    for b in range(len(rows)):
        read, response = rows.prompt_ids[b][rows.prompt_mask[b]].tolist(), tab.read_response(rows, b)
        for t in range(len(response)):
            hidden = model.model.gpt_neox(input_ids=torch.tensor([[*read, *response[:t]]])).last_hidden_state[0, -1]
            want = float(hidden @ model.model.score.weight[0])
            assert got[b, t].item() == pytest.approx(want, abs=1e-6)  # the rotary cache is float32

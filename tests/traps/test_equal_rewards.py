"""Symptom: a batch whose rewards say nothing moves the policy, by rounding, by an epsilon or by a missing baseline."""

import pytest
import torch
import toy_methods

from bench.checks.estimators import world as tab
from bench.core.seeds import stream
from bench.core.types import Counts, Pairs, Rollouts
from bench.lm.logprobs import token_logps
from bench.losses.advantages import whiten
from bench.losses.ppo import PPO, TransformerCritic
from bench.losses.preference import Preference
from bench.losses.reinforce import ADVANTAGES, Reinforce
from bench.samplers.on_policy import OnPolicy
from bench.training.loop import Trainer

FIRST_STEP = "at the first step, where the critic values everything alike; afterwards its error moves the policy"
ON_POLICY = {
    "ppo": FIRST_STEP,
    "ppo/one_update": FIRST_STEP,
    "reinforce": "always",
    "reinforce/less_mean": "always",
    "reinforce/group_standardized": "always",
    "reinforce/plain": "only rewards of 0: it has no baseline, and others move it by noise of mean 0",
}
"""When equal rewards leave the policy at beta 0 exactly where it is, by on-policy method."""
REWARDS = (0.0, 0.1, -0.37, 7.7, 123.4)  # float32 means of 7 or 14 equal ones are off by rounding


def test_every_on_policy_method_is_here():
    on_policy = {
        name
        for name, config in toy_methods.trained_configs().items()
        if isinstance(toy_methods.method(config).sampler, OnPolicy)
    }
    assert on_policy == set(ON_POLICY)


def after_a_step(name, reward, changes):
    """Weights before and after a step with that reward for every response; batches of 7 and 14, not of 2^k."""
    config = toy_methods.changed(toy_methods.trained_configs()[name], changes)
    method = toy_methods.method(config)
    method.sampler.score = lambda rows: torch.full((len(rows),), reward)
    policy = toy_methods.policy(1)
    before = [p.detach().clone() for p in policy.parameters()]
    run = Trainer(policy, method.sampler, method.loss, method.lr, method.max_grad_norm, 0)
    run.advance()
    return before, list(policy.parameters())


@pytest.mark.parametrize("reward", REWARDS)
@pytest.mark.parametrize("name", ON_POLICY)
def test_equal_rewards_without_a_penalty_leave_every_weight_as_it_is(name, reward):
    sizes = {"batch": 7, "minibatch": 7 if name == "ppo/one_update" else 3} if name.startswith("ppo") else {}
    changes = {"beta": 0.0, **(sizes or {"batch": 14, "samples_per_prompt": 7})}
    before, after = after_a_step(name, reward, changes)
    is_still = all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert is_still == (name != "reinforce/plain" or reward == 0)


def gradient_of_batch(loss, policy, rows, score, weights=None):
    """The policy's gradient on the first minibatch of some rows; with weights, each row's share in the mean."""
    logps = (token_logps(x, rows).detach() for x in (policy, tab.TabularPolicy(0)))
    (part,) = loss.minibatches(policy, Rollouts(rows, score, *logps), stream("equal"))
    if weights is None:
        value, _ = loss(policy, part)
    else:
        logps_BT, mask_BT = token_logps(policy, part.sequences), part.sequences.response_mask
        each = getattr(part, "advantages_BT", None)
        each = part.advantage_B[:, None].expand(mask_BT.shape) if each is None else each
        # the part's rows may stand in another order than the weights
        order = [tab.read_response(part.sequences, i) for i in range(len(part))]
        share = torch.tensor([weights[y] for y in order], dtype=torch.float64)
        value = (share * (each * logps_BT).masked_fill(~mask_BT, 0.0).sum(1)).sum()
    return torch.autograd.grad(value, policy.logits)[0]


def losses(beta):
    """Each on-policy loss over tabular policies, the whole batch one minibatch."""
    made = {name: Reinforce(beta, name, 5, tab.T) for name in ADVANTAGES}
    return made | {"ppo": PPO(tab.TabularCritic(), beta, 10**6, 1, 0.2, 0.2, 1.0, 1e-3, tab.T)}


@pytest.mark.parametrize("name", [name for name in losses(0.0) if name != "plain"])
def test_with_a_penalty_equal_rewards_move_the_policy_by_the_penalty_alone(name):
    rows = tab.sequences((2,), tab.responses()[:20])

    def gradient(reward, beta=0.3):
        score = torch.full((20,), reward, dtype=torch.float64)
        return gradient_of_batch(losses(beta)[name], tab.TabularPolicy(1), rows, score)

    none = gradient(0.0)
    assert none.norm() > 1e-3
    for reward in REWARDS[1:]:
        # rounding of returns of that size, 1e-16 of 1e2, against a gradient of order 1e-2
        torch.testing.assert_close(gradient(reward), none, rtol=0, atol=1e-12)
    assert gradient(3.0, beta=0.0).norm() == 0


@pytest.mark.parametrize("name", ["plain", "ppo"])
def test_equal_rewards_move_the_policy_nowhere_in_expectation(name):
    """Exact, over all responses: a missing baseline, or a critic that is off, is a function of what stands before a
    token, so that its mean product with the score function is 0. Unequal rewards do move it."""
    every, prompt, policy = tab.responses(), (2,), tab.TabularPolicy(1)
    rows = tab.sequences(prompt, every)
    weights = dict(zip(every, tab.distribution(policy, prompt).tolist(), strict=True))

    def gradient(score):
        loss = losses(0.0)[name]
        if name == "ppo":
            loss.critic.values.data.copy_(torch.randn(tab.STATES, generator=stream("critic"), dtype=torch.float64))
        return gradient_of_batch(loss, policy, rows, score, weights).norm().item()

    assert gradient(torch.full((len(every),), 2.5, dtype=torch.float64)) < 1e-14
    assert gradient(rows.lengths.double()) > 1e-2


def test_coin_labels_of_equal_rewards_cancel_at_pi_ref():
    """Fresh pairs of equal rewards are labelled by a fair coin: the two labels' gradients are opposite there."""
    policy, rows = tab.TabularPolicy(0), tab.sequences((2,), [(1,), (2, 3, 0), (3, 1), (0, 2, 1)])
    logps = (token_logps(policy, rows).detach() * rows.response_mask).sum(1)
    one, other = (rows[:2], logps[:2]), (rows[2:], logps[2:])

    def gradient(chosen, rejected):
        pairs = Pairs(chosen[0], rejected[0], chosen[1], rejected[1])
        return torch.autograd.grad(Preference("logistic", 0.3)(policy, pairs)[0], policy.logits)[0]

    assert gradient(one, other).norm() > 1e-3
    torch.testing.assert_close(gradient(one, other), -gradient(other, one), rtol=0, atol=1e-15)


def test_a_sampler_may_call_its_score_what_it_likes_but_labels_equal_ones_by_a_fair_coin():
    config = toy_methods.trained_configs()["preference/online"]
    method = toy_methods.method(config)
    method.sampler.rollouts.score = lambda rows: torch.full((len(rows),), 0.1)
    rollouts = toy_methods.method(config).sampler.rollouts
    policy, first = toy_methods.policy(1), []
    for step in range(60):
        chosen = method.sampler.draw(policy, step, Counts()).chosen.response_ids
        drawn = rollouts.draw(policy, step, Counts()).sequences.response_ids
        one, two = drawn[::2], drawn[1::2]
        differ = (one != two).any(1)
        first += (chosen == one).all(1)[differ].tolist()
    # 4 sd of a fair coin
    assert abs(sum(first) / len(first) - 0.5) < 4 * 0.5 / len(first) ** 0.5


def test_the_critic_of_ppo_starts_by_valuing_everything_alike():
    method = toy_methods.method(toy_methods.trained_configs()["ppo"])
    assert isinstance(method.loss.critic, TransformerCritic)
    values = method.loss.critic(toy_methods.pairs(toy_methods.policy()).chosen)
    assert values.abs().max() == 0


@pytest.mark.parametrize("G", [2, 3, 4, 8, 16])
@pytest.mark.parametrize("size", [1e-9, 1.0, 1e6])
@pytest.mark.parametrize("sign", [-1, 1])
def test_one_reward_that_differs_has_an_advantage_of_at_most_sqrt_of_the_others(G, size, sign):
    # G - 1 equal scores and one d away: it is (G - 1) d / G off the mean, and the sd is d sqrt(G - 1) / G
    score = torch.full((3 * G,), 2.0, dtype=torch.float64)
    score[[0, G + 1, 3 * G - 1]] += sign * size
    got = ADVANTAGES["group_standardized"](score, torch.zeros_like(score), G)
    assert got.abs().max().item() == pytest.approx((G - 1) ** 0.5, rel=1e-5)  # 2 + 1e-9 holds d to 1e-7
    white = whiten(score.view(3, G)[:1], torch.ones(1, G, dtype=torch.bool))
    assert white.abs().max().item() <= (G - 1) ** 0.5 * (1 + 1e-5)


@pytest.mark.parametrize("spread", [1.0, 0.01])
def test_grpo_advantages_are_unchanged_under_r_to_1e_5_r_plus_2(spread):
    """An epsilon beside the sd breaks this: the reward's unit would then decide how hard a method pushes."""
    score = spread * torch.randn(256, generator=stream("affine"), dtype=torch.float64)
    none = torch.zeros_like(score)
    want, got = (ADVANTAGES["group_standardized"](r, none, 4) for r in (score, 1e-5 * score + 2))
    # 2 + 1e-5 r holds r to 4e-16 / 1e-5 = 4e-11; the smallest sd of these groups is .1 spread
    torch.testing.assert_close(got, want, rtol=0, atol=1e-6)


def test_grpo_advantages_in_float32_are_unchanged_up_to_what_float32_holds():
    score = torch.randn(256, generator=stream("affine"))
    score = score.view(-1, 4)[score.view(-1, 4).std(1, unbiased=False) > 0.5].flatten()
    want, got = (ADVANTAGES["group_standardized"](r, torch.zeros_like(r), 4) for r in (score, 1e-5 * score + 2))
    # 2 + 1e-5 r holds r to 1.2e-7 / 1e-5 = .012: .024 of an sd of at least .5, in the score and in its mean
    assert (got - want).abs().max() < 0.05


def test_scores_that_differ_by_rounding_alone_are_equal():
    score = torch.full((4,), 0.1)
    score[0] = torch.nextafter(score[0], torch.tensor(1.0))
    assert ADVANTAGES["group_standardized"](score, torch.zeros(4), 4).tolist() == [0, 0, 0, 0]

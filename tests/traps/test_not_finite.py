"""Symptom: "lower the learning rate" as the answer to every NaN, whatever it came from."""

import re
from types import SimpleNamespace

import pytest
import torch
import toy_artifacts
import toy_methods

from bench.checks.estimators import world as tab
from bench.config.evaluation import MonitorConfig
from bench.core.finite import clip_gradients
from bench.core.seeds import stream
from bench.core.types import Counts
from bench.errors import DivergedError
from bench.lm.sft import Report, train_and_save
from bench.losses.base import Loss
from bench.losses.preference import Preference, logratios
from bench.pipeline import pairs as pairs_stage
from bench.samplers.base import Sampler
from bench.training.loop import Trainer
from bench.training.monitor import Monitor

CONFIGS = toy_methods.trained_configs()
NAN, RATE = float("nan"), "learning rate"


def trainer(name, policy=None, change=lambda method: None, lr=None):
    method = toy_methods.method(CONFIGS[name])
    change(method)
    policy = policy or toy_methods.policy()
    return Trainer(policy, method.sampler, method.loss, lr or method.lr, method.max_grad_norm, 0)


def message(run, steps=1):
    for _ in range(steps - 1):
        run.advance()
    with pytest.raises(DivergedError) as raised:
        run.advance()
    return str(raised.value)


def spoiled(policy, value=NAN):
    """The policy with one weight of its head that is not finite."""
    with torch.no_grad():
        policy.model.get_output_embeddings().weight[0, 0] = value
    return policy


def one_bad(score):
    """The score, with a NaN in row 3."""

    def scored(rows):
        return score(rows).masked_fill(torch.arange(len(rows)) == 3, NAN)

    return scored


@pytest.mark.parametrize("name", ["ppo", "reinforce", "preference/online", "preference/iterative", "preference/gold"])
def test_a_reward(name):
    def change(method):
        inner = getattr(method.sampler, "inner", method.sampler)
        rollouts = getattr(inner, "rollouts", inner)
        rollouts.score = one_bad(rollouts.score)

    run = trainer(name, change=change)
    rows = 8 if name in ("ppo", "reinforce") else 16  # a pair has two
    text = message(run)
    assert text.startswith(f"at step 0 the reward is not finite in 1 of {rows} entries (the first: nan at entry [3]); ")
    assert "reward model" in text
    assert RATE not in text


@pytest.mark.parametrize("name", ["ppo", "reinforce", "preference/online"])
def test_a_policy_that_samples(name):
    text = message(trainer(name, spoiled(toy_methods.policy())))
    assert re.match(r"at step 0 the policy's log-prob of a sampled response is not finite in \d+ of \d+ entries", text)
    assert RATE in text


@pytest.mark.parametrize("name", ["preference", "sft", "preference/replay"])
def test_a_policy_on_stored_pairs(name):
    text = message(trainer(name, spoiled(toy_methods.policy())))
    assert re.match(r"at step 0 the policy's log-prob of the chosen side is not finite in (\d+) of \1 entries", text)
    assert RATE in text


@pytest.mark.parametrize("name", ["ppo", "reinforce", "preference/online"])
def test_a_reference(name):
    def change(method):
        rollouts = getattr(method.sampler, "rollouts", method.sampler)
        spoiled(rollouts.reference)

    text = message(trainer(name, change=change))
    assert text.startswith("at step 0 pi_ref's log-prob of a sampled token is not finite")
    assert "stage sft" in text
    assert RATE not in text


@pytest.mark.parametrize("name", ["preference", "preference/replay"])
def test_a_stored_log_prob_of_the_reference(name):
    def change(method):
        method.sampler.pairs.ref_rejected_B[:] = NAN

    text = message(trainer(name, change=change))
    size = CONFIGS[name].batch
    assert text.startswith(f"at step 0 ref_rejected_B of the batch is not finite in {size} of {size} entries")
    assert RATE not in text


def test_a_critic():
    def change(method):
        with torch.no_grad():
            method.loss.critic.model.model.score.weight[0, 0] = NAN

    text = message(trainer("ppo", change=change))
    assert text.startswith("at step 0 the critic's value is not finite")
    assert "critic_lr" in text


def test_a_ratio():
    method, policy = toy_methods.method(CONFIGS["ppo"]), toy_methods.policy()
    batch = method.sampler.draw(policy, 0, Counts())
    part = next(method.loss.minibatches(policy, batch, stream("x")))
    part.logps_BT[2, 0] = -1e3  # float32 holds no e^1000
    with pytest.raises(DivergedError, match=r"the ratio pi / pi_old is not finite in 1 of \d+ .*\[2, 0\].*epochs"):
        method.loss(policy, part)


def overflowing(x):
    return torch.nn.functional.softplus(-x) + torch.where(x < 0.5, 0.0, torch.inf)


def rooted(x):
    """Finite everywhere; its slope is not a number, since the root has none at 0."""
    return torch.nn.functional.softplus(-x) + (0 * x).sqrt()


@pytest.mark.parametrize(("function", "what"), [(overflowing, "f = 'mine'"), (rooted, "the slope of f = 'mine'")])
def test_a_users_loss_at_its_margin(function, what):
    reference = toy_methods.policy()
    pairs = toy_methods.pairs(reference)
    loss, beta = Preference("mine", 0.2, function=function), 0.2
    sampler = toy_methods.method(CONFIGS["preference"]).sampler
    sampler.batch, sampler.pairs = len(pairs), pairs
    policy = toy_methods.policy(1)
    with torch.no_grad():
        chosen_B, rejected_B = logratios(policy, pairs)
    margins = beta * (chosen_B - rejected_B)
    bad = margins[margins >= 0.5] if function is overflowing else margins
    assert len(bad) > 0
    text = message(Trainer(policy, sampler, loss, 1e-3, 1.0, 0))
    assert text.startswith(f"at step 0 {what} is not finite in {len(bad)} of {len(pairs)} entries")
    margin = float(re.search(r"at the margin beta rho = (-?[\d.e+-]+)\)", text)[1])
    assert (bad - margin).abs().min() < 1e-4 * max(1.0, abs(margin))
    assert RATE not in text


class Everything(Sampler):
    name = "everything"

    def draw(self, policy, step, counts):
        return step


class Made(Loss):
    """A loss by a function of the logits."""

    name = "made"

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, policy, minibatch):
        return self.function(policy.logits), {"tokens": 1.0}


def tabular(function, lr=0.01):
    return Trainer(tab.TabularPolicy(0), Everything(), Made(function), lr, 1.0, 0)


def test_a_loss_whose_inputs_are_finite():
    text = message(tabular(lambda logits: (logits[0, 0] - logits[0, 0]) / 0))
    assert text == (
        "at step 0 the loss is not finite in 1 of 1 entries (the first: nan at entry []); "
        "all that enters it is finite: look at Made.forward"
    )


def test_a_gradient_of_a_finite_loss():
    text = message(tabular(lambda logits: (0 * logits[3]).sqrt().sum()))
    assert text.startswith("at step 0 the gradient of policy.logits is not finite in 4 of ")
    assert "a root" in text


def test_a_gradient_whose_norm_overflows():
    weight = torch.zeros(4, requires_grad=True)
    weight.grad = torch.full((4,), 1e30)
    with pytest.raises(DivergedError, match=r"norm of the gradient is inf, though every entry is finite .* of mine"):
        clip_gradients({"mine": weight}, 1.0)


def test_weights_after_an_update():
    text = message(tabular(lambda logits: logits[0, 0], lr=1e309))
    assert text.startswith("at step 0 after the update the weight policy.logits is not finite in ")
    assert RATE in text


def test_the_step_is_the_one_at_which_it_happened():
    calls = iter(range(100))

    def function(logits):
        return logits[0, 0] * (NAN if next(calls) == 4 else 1.0)

    assert message(tabular(function), steps=5).startswith("at step 4 the loss is not finite")


def monitor(policy):
    settings = MonitorConfig(monitor_prompts=12, monitor_every=1)
    inputs = toy_methods.inputs(policy)
    return Monitor(inputs.prompts, policy, settings, (1.0,), 8, toy_methods.EOS, toy_methods.PAD, 0)


def test_a_kl_that_is_checked():
    with pytest.raises(DivergedError, match=r"at step 3 the policy's log-prob .* in 12 of 12 entries"):
        monitor(toy_methods.policy()).check_kl(spoiled(toy_methods.policy()), 3)
    with pytest.raises(DivergedError, match="at step 3 pi_ref's log-prob"):
        monitor(spoiled(toy_methods.policy())).check_kl(toy_methods.policy(), 3)
    with pytest.raises(DivergedError, match="at step 7 the KL is nan") as raised:
        monitor(toy_methods.policy()).note(7, NAN)
    assert RATE not in str(raised.value)
    with pytest.raises(DivergedError, match=f"KL 1e\\+06 nats at step 7 is beyond .* {RATE}"):
        monitor(toy_methods.policy()).note(7, 1e6)


def test_a_fit_by_trl(tmp_path):
    model = spoiled(toy_methods.policy()).model
    done = SimpleNamespace(
        train=lambda: None, state=SimpleNamespace(global_step=9), args=SimpleNamespace(learning_rate=0.5)
    )
    with pytest.raises(DivergedError, match=r"at step 9 after the update the weight .* \(the rate is 0.5\)"):
        train_and_save(done, model, Report(lambda event: None), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_gold_that_labels(tmp_path, monkeypatch):
    """A NaN beside a number is no preference, and was read as one for the second response."""
    plan, folders = toy_artifacts.build(tmp_path)
    real = pairs_stage.load_gold
    monkeypatch.setattr(pairs_stage, "load_gold", lambda *a: one_bad(real(*a)))
    with pytest.raises(DivergedError, match="gold's score of a pi_ref sample is not finite in 1 of 96 entries"):
        toy_artifacts.run_stage(plan, "pairs/r0", folders, tmp_path / "again")

"""Symptom: a KL coefficient that is read from the config, logged, and does nothing to training."""

from dataclasses import replace

import pytest
import torch
import toy_methods

from bench.checks.plugins import toys
from bench.checks.plugins.losses import Setting, gradients
from bench.config.registry import registered
from bench.core.seeds import stream
from bench.core.types import Counts
from bench.lm.generate import generate
from bench.lm.kl import sequence_kl
from bench.losses.preference import Preference
from bench.training.loop import Trainer

CONFIGS = {name: config for name, config in toy_methods.trained_configs().items() if config.betas}
STEPS, RATE, SEEDS, TIMES = 40, 1e-3, (0, 1, 2), 8


def test_every_method_has_a_beta_or_needs_none():
    without = {kind.model_fields["type"].default for kind in registered("methods") if not kind.betas}
    assert without == {"sft", "best_of_n", "reference"}  # imitation, an evaluator, and pi_ref itself
    for kind in registered("methods"):
        assert bool(kind.betas) == ("beta" in kind.model_fields)


def first_gradient(config, beta, seed):
    """The policy's gradient on the first minibatch, drawn by and taken at the policy of that seed (0 is pi_ref)."""
    current, method = toys.policy(seed), toy_methods.changed(config, {"beta": beta}).build(toys.toy_inputs())
    method.loss.double()
    batch = method.sampler.draw(current, 0, Counts())
    part = next(iter(method.loss.minibatches(current, batch, stream("beta"))))
    grads = gradients(Setting(current, method, [part]), part)[1]
    return torch.cat([g.flatten() for name, g in grads.items() if name.startswith("policy.")])


@pytest.mark.parametrize("name", CONFIGS)
def test_doubling_beta_changes_the_first_gradient_away_from_pi_ref(name):
    once, twice = (first_gradient(CONFIGS[name], beta, seed=1) for beta in (0.1, 0.2))
    assert (twice - once).norm() > 0.01 * once.norm()


@pytest.mark.parametrize("name", CONFIGS)
def test_at_pi_ref_the_gradient_doubles_where_beta_scales_the_margin_and_rests_where_it_scales_the_kl(name):
    # f(beta rho): the gradient at rho = 0 is beta f'(0) times that of rho. A KL in the reward is 0 at pi_ref, sample by
    # sample, so no correct implementation can show beta there.
    once, twice = (first_gradient(CONFIGS[name], beta, seed=0) for beta in (0.1, 0.2))
    factor = 2 if isinstance(toy_methods.method(CONFIGS[name]).loss, Preference) else 1
    assert once.norm() > 0
    torch.testing.assert_close(twice, factor * once, rtol=0, atol=1e-12 * float(once.norm()))


def last_kl(config, beta, seed):
    """KL in nats after some steps, on fresh samples."""
    reference = toy_methods.policy()
    pairs = toy_methods.noisy_pairs(reference)
    replayed = pairs[torch.arange(len(pairs)).repeat(STEPS // 2)]
    inputs = replace(toy_methods.inputs(reference), seed=seed, pairs=lambda: pairs, replayed=lambda: replayed)
    method = toy_methods.changed(config, {"beta": beta}).build(inputs)
    run = Trainer(toy_methods.policy(), method.sampler, method.loss, RATE, 1.0, seed)
    for _ in range(min(STEPS, getattr(method.sampler, "steps", STEPS))):
        run.advance()
    prompts = toys.prompts().repeat(TIMES)
    samples = generate(run.policy, prompts, toys.MAX_NEW_TOKENS, toy_methods.EOS, toy_methods.PAD, stream("kl", seed))
    return float(sequence_kl(run.policy, reference, samples).kl_B.mean())


@pytest.mark.parametrize("name", CONFIGS)
def test_a_larger_beta_ends_at_a_smaller_kl(name):
    config = CONFIGS[name]
    if config.type == "preference" and not config.draws_pairs:
        config = toy_methods.changed(config, {"batch": 32})
    low, high = (sum(last_kl(config, beta, seed) for seed in SEEDS) / len(SEEDS) for beta in (0.1, 1.0))
    assert 0 < high < 0.8 * low

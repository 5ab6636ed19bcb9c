"""What every trained method and every preference loss owes, whatever it is. A new entry is picked up by itself."""

from typing import get_args

import pytest
import torch
import toy_lm
import toy_methods

from bench.config.methods import MethodConfig, PreferenceConfig
from bench.config.suite import SuiteConfig
from bench.core.seeds import stream
from bench.lm.generate import generate
from bench.lm.kl import sequence_kl
from bench.lm.tokens import encode_prompts
from bench.methods.base import Counts
from bench.methods.build import BUILDERS
from bench.methods.losses import F_BY_NAME
from bench.pipeline.plan import KINDS
from bench.train import Trainer

CONFIGS = toy_methods.trained_configs()


def trainer_of(method, policy):
    return Trainer(policy, method.sampler, method.loss, method.lr, method.max_grad_norm, seed=0)


def first_losses(method, policy):
    """Every minibatch loss of the first step, no update in between."""
    batch = method.sampler.draw(policy, 0, Counts())
    parts = method.loss.minibatches(policy, batch, stream("test"))
    return [method.loss(policy, part) for part in parts]


def test_configs_builders_and_row_names_list_the_same_methods():
    kinds = {kind.model_fields["type"].default: kind for kind in get_args(get_args(MethodConfig)[0])}
    trained = {name for name, kind in kinds.items() if "lr" in kind.model_fields}
    assert set(BUILDERS) == trained == {config.type for config in CONFIGS.values()}
    assert set(KINDS) == set(kinds)
    assert set(get_args(PreferenceConfig.model_fields["f"].annotation)) == set(F_BY_NAME)


@pytest.mark.parametrize("name", CONFIGS)
def test_rows_name_the_sampler_and_the_loss(name):
    method = toy_methods.method(CONFIGS[name])
    assert KINDS[CONFIGS[name].type](CONFIGS[name]) == {"sampler": method.sampler.name, "loss": method.loss.name}


@pytest.mark.parametrize("name", CONFIGS)
def test_training_starts_at_kl_zero_and_leaves_the_reference_alone(name):
    policy, reference, untouched = (toy_methods.policy() for _ in range(3))
    method = toy_methods.method(CONFIGS[name], reference)
    prompts = encode_prompts(toy_lm.tokenizer(), toy_lm.PROMPTS * 4)

    def kl():
        drawn = generate(policy, prompts, 8, toy_methods.EOS, toy_methods.PAD, stream("test"))
        return sequence_kl(policy, untouched, drawn).kl_B

    assert kl().tolist() == [0.0] * 16
    trainer = trainer_of(method, policy)
    for _ in range(3):
        trainer.advance()
    assert kl().mean() > 1e-4
    kept = untouched.state_dict()
    assert all(torch.equal(weights, kept[k]) for k, weights in reference.state_dict().items())


@pytest.mark.parametrize("name", CONFIGS)
def test_losses_are_finite_and_reach_every_parameter(name):
    policy, method = toy_methods.policy(), toy_methods.method(CONFIGS[name])
    for loss, info in first_losses(method, policy):
        assert torch.isfinite(loss)
        assert info["tokens"] > 0
        loss.backward()
    owned = [p for group in method.loss.parameter_groups() for p in group["params"]]
    assert {id(p) for p in owned} == {id(p) for p in method.loss.parameters()}
    gradients = [p.grad for p in [*policy.parameters(), *owned]]
    assert all(g is not None and torch.isfinite(g).all() for g in gradients)
    assert max(p.grad.abs().max() for p in policy.parameters()) > 1e-4


@pytest.mark.parametrize("name", [name for name in CONFIGS if name != "preference/online"])  # its labels are coins
def test_no_signal_moves_no_policy(name):
    policy = toy_methods.policy()
    method = toy_methods.method(CONFIGS[name], informative=False)
    for loss, _ in first_losses(method, policy):
        loss.backward()
    # Float32: terms of order 1 that cancel, some hundred of them.
    assert max(p.grad.abs().max() for p in policy.parameters()) < 1e-5


@pytest.mark.parametrize("name", CONFIGS)
def test_the_step_and_its_counts_are_a_function_of_the_seed(name):
    def run():
        policy = toy_methods.policy()
        trainer = trainer_of(toy_methods.method(CONFIGS[name]), policy)
        return [trainer.advance() for _ in range(2)], trainer.counts, policy.state_dict()

    (infos, counts, weights), (again, counts_again, weights_again) = run(), run()
    assert infos == again
    assert counts == counts_again
    assert counts.samples_seen > 0
    assert counts.tokens_trained > 0
    assert all(torch.equal(weights[k], weights_again[k]) for k in weights)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_suite_may_ask_for_it_and_it_has_a_length(name):
    SuiteConfig(name="toy", methods=("m",), method={"m": CONFIGS[name]})
    assert toy_methods.method(CONFIGS[name]).steps >= 1


@pytest.mark.parametrize("f", F_BY_NAME.values(), ids=F_BY_NAME.keys())
def test_a_preference_loss_pulls_the_right_way_and_stays_finite(f):
    x = torch.linspace(-80, 80, 321, dtype=torch.float32, requires_grad=True)
    (slope,) = torch.autograd.grad(f(x).sum(), x)
    assert torch.isfinite(slope[x.abs() < 40]).all()
    assert f(x).min() >= 0
    assert slope[x == 0].item() < 0
    assert f(x).shape == x.shape
    assert torch.equal(f(x)[7:9], f(x[7:9]))  # each pair by itself

"""Symptom: a setting of a method that is accepted, stands in the report, and changes nothing."""

from dataclasses import replace
from fnmatch import fnmatch
from functools import cache
from typing import Literal, get_args, get_origin

import pytest
import torch
import toy_artifacts
import toy_methods
from pydantic import ValidationError

from bench.config.registry import BUILT_IN_LOSSES, registered
from bench.config.suite import SuiteConfig
from bench.pipeline.plan import build_plan
from bench.rewards.config import BradleyTerryConfig
from bench.rewards.labeller import Labeller
from bench.training.loop import Trainer

CONFIGS = {
    name: config
    for name, config in toy_methods.trained_configs().items()
    if name.partition("/")[2] not in BUILT_IN_LOSSES  # the field f walks to every other f
}
OTHERS = {
    "beta": [0.2],
    "steps": [4],
    "batch": [4, 12],
    "minibatch": [2],
    "epochs": [1, 4],
    "lr": [2e-2],
    "critic_lr": [1e-1],
    "clip": [1e-3],
    "value_clip": [1e-4],
    "gae_lambda": [0.5],
    "max_grad_norm": [1e-2],
    "samples_per_prompt": [2, 8],
    "f": ["squared", "hinge"],
    "label_smoothing": [0.2],
    "data": ["best_of_2", "mixture"],
    "refresh_every": [1, 2, "never"],
    "replay": ["online", "another", None],
    "proxy": ["another"],
}
"""Other valid values of each key that is not a choice from a list. A new key has to be added here."""
SCORES_ROWS = "no proxy enters this training: it scores the rows"
IDLE = {
    ("preference", "proxy"): SCORES_ROWS,
    ("preference/conservative", "proxy"): SCORES_ROWS,
    ("preference/robust", "proxy"): SCORES_ROWS,
    ("preference/replay", "proxy"): SCORES_ROWS,
    ("preference/shuffled", "proxy"): SCORES_ROWS,
    ("preference/gold", "proxy"): SCORES_ROWS,
    ("sft", "proxy"): SCORES_ROWS,
}
"""Keys that leave every weight as it is, each with the reason."""
SEEN = 1e-4  # of the largest move of a weight: far above rounding, far below any setting's effect


def others(config, key):
    """Other values of a key: of a choice all others, else those of OTHERS."""
    annotation = type(config).model_fields[key].annotation
    choices = get_args(annotation) if get_origin(annotation) is Literal else OTHERS[key]
    return [value for value in choices if value != getattr(config, key)]


def words(rows):
    return rows.response_ids.float().mul(rows.response_mask).sum(1) / 10


@cache
def weights(config):
    """The policy after the whole training, or six steps of it: proxies, gold and stored pairs are told apart."""
    reference = toy_methods.policy()
    plain, needs = toy_methods.inputs(reference), config.needs()
    stored = toy_methods.pairs(reference)
    swapped = {
        name: stored[torch.randperm(len(stored), generator=torch.Generator().manual_seed(i))]
        for i, name in enumerate(("best_of_2", "mixture", "another"))
    }
    inputs = replace(
        plain,
        score=(lambda rows: -words(rows)) if config.proxy == "another" else plain.score,
        labeller=Labeller(lambda rows: -words(rows)),
        pairs=lambda: swapped.get(str(needs.pairs), stored),
        replayed=lambda: swapped.get(str(needs.replay), stored),
    )
    method = config.build(inputs)
    policy = toy_methods.policy()
    run = Trainer(policy, method.sampler, method.loss, method.lr, method.max_grad_norm, 0)
    for _ in range(min(method.steps, 6)):
        run.advance()
    return torch.cat([p.detach().flatten() for p in policy.parameters()])


START = torch.cat([p.detach().flatten() for p in toy_methods.policy().parameters()])


def effect(config, key, value):
    """`refused`, `changes` or `idle`."""
    try:
        changed = toy_methods.changed(config, {key: value})
    except ValidationError:
        return "refused"
    base, other = weights(config), weights(changed)
    return "changes" if (other - base).abs().max() > SEEN * (base - START).abs().max() else "idle"


KEYS = [(name, key) for name, config in CONFIGS.items() for key in type(config).model_fields if key != "type"]


@pytest.mark.parametrize(("name", "key"), KEYS)
def test_every_key_of_a_method_changes_the_weights_or_is_refused(name, key):
    effects = {value: effect(CONFIGS[name], key, value) for value in others(CONFIGS[name], key)}
    assert effects
    if (name, key) in IDLE:
        assert set(effects.values()) == {"idle"}  # one that changes weights has no place in the list
    else:
        assert "idle" not in effects.values(), effects


@pytest.mark.parametrize("key", sorted(OTHERS))
def test_every_key_acts_in_some_method(key):
    """A key that is refused everywhere would pass the walk and be dead all the same."""
    acting = (
        effect(config, key, value)
        for config in CONFIGS.values()
        if key in type(config).model_fields
        for value in others(config, key)
    )
    assert "changes" in acting


@pytest.mark.parametrize("kind", [kind for kind in registered("methods") if kind.stage != "train"])
def test_every_key_of_a_method_that_trains_nothing_changes_a_stage(kind):
    values = {"n": [1, 2, 32], "evaluations": 3}
    keys = kind.model_fields.keys() - {"type", "proxy"}
    assert keys <= values.keys()
    plain = kind.sweep(n=[1, 2]) if "n" in keys else kind.sweep()

    def stages(method):
        suite = toy_artifacts.SUITE.model_dump() | {"methods": ("m",), "method": {"m": method.model_dump()}}
        return {name: cell.stage.key for name, cell in build_plan(SuiteConfig.model_validate(suite), 1).cells.items()}

    for key in keys:
        assert stages(plain) != stages(kind.sweep(**{key: values[key]}))


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ({"labels": "distilled", "epochs": 5}, "set steps instead"),
        ({"labels": "permuted", "steps": 5}, "set epochs instead"),
        ({"steps": 5}, "set epochs instead"),
    ],
)
def test_a_proxys_length_in_the_wrong_unit_is_refused(values, part):
    with pytest.raises(ValidationError, match=part):
        BradleyTerryConfig(**values)


def test_betas_of_a_proxy_that_is_not_run_are_refused():
    kind = next(kind for kind in registered("methods") if fnmatch(kind.model_fields["type"].default, "ppo"))
    with pytest.raises(ValidationError, match="beta_by_proxy names 'small'"):
        kind.sweep(proxy=["policy_sized"], beta_by_proxy={"small": [0.1]})

"""What every trained method and every preference loss owes, whatever it is. A new entry is picked up by itself."""

import pytest
import toy_methods

from bench.checks.plugins import METHOD_CHECKS, check_f
from bench.config.registry import BUILT_IN_LOSSES, registered
from bench.config.suite import SuiteConfig
from bench.losses.margin import built_in
from bench.methods.preference import PreferenceConfig

CONFIGS = toy_methods.trained_configs()


@pytest.mark.parametrize("check", METHOD_CHECKS.values(), ids=METHOD_CHECKS)
@pytest.mark.parametrize("name", CONFIGS)
def test_a_method_conforms(name, check):
    check(lambda given: CONFIGS[name].build(given))


@pytest.mark.parametrize("f", map(built_in, BUILT_IN_LOSSES), ids=BUILT_IN_LOSSES)
def test_a_preference_loss_conforms(f):
    check_f(f)


def test_every_method_that_trains_is_built_here():
    trained = {kind.model_fields["type"].default for kind in registered("methods") if kind.stage == "train"}
    assert trained == {config.type for config in CONFIGS.values()}


@pytest.mark.parametrize("name", CONFIGS)
def test_rows_name_the_sampler_and_the_loss(name):
    method = toy_methods.method(CONFIGS[name])
    assert CONFIGS[name].identity() == {"sampler": method.sampler.name, "loss": method.loss.name}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_suite_may_ask_for_it_and_it_has_a_length(name):
    config = CONFIGS[name]
    online = PreferenceConfig.sweep(refresh_every=1, batch=getattr(config, "batch", 64), beta=[0.1])
    values = config.model_dump(exclude={"proxy", "beta"}) | ({"beta": [config.beta]} if config.betas else {})
    SuiteConfig(name="toy", methods=("m",), method={"m": config.sweep(**values), "online": online})
    assert toy_methods.method(config).steps >= 1


@pytest.mark.parametrize("name", CONFIGS)
def test_only_a_replay_in_order_is_as_long_as_what_it_replays(name):
    assert toy_methods.method(CONFIGS[name]).may_settle == (name != "preference/replay")

"""What every trained method and every preference loss owes, whatever it is. A new entry is picked up by itself."""

from typing import get_args

import pytest
import toy_methods

from bench.checks.plugins import METHOD_CHECKS, check_f
from bench.config.methods import BUILT_IN_LOSSES, MethodConfig, PreferenceConfig
from bench.config.suite import SuiteConfig
from bench.losses.preference import F_BY_NAME
from bench.methods.build import BUILDERS, build_method
from bench.pipeline.plan import KINDS

CONFIGS = toy_methods.trained_configs()


@pytest.mark.parametrize("check", METHOD_CHECKS.values(), ids=METHOD_CHECKS)
@pytest.mark.parametrize("name", CONFIGS)
def test_a_method_conforms(name, check):
    check(lambda given: build_method(CONFIGS[name], toy_methods.BETA, given))


@pytest.mark.parametrize("f", F_BY_NAME.values(), ids=F_BY_NAME)
def test_a_preference_loss_conforms(f):
    check_f(f)


def test_configs_builders_and_row_names_list_the_same_methods():
    kinds = {kind.model_fields["type"].default: kind for kind in get_args(get_args(MethodConfig)[0])}
    trained = {name for name, kind in kinds.items() if "lr" in kind.model_fields}
    assert set(BUILDERS) == trained == {config.type for config in CONFIGS.values()}
    assert set(KINDS) == set(kinds)
    assert set(BUILT_IN_LOSSES) == set(F_BY_NAME)


@pytest.mark.parametrize("name", CONFIGS)
def test_rows_name_the_sampler_and_the_loss(name):
    method = toy_methods.method(CONFIGS[name])
    assert KINDS[CONFIGS[name].type](CONFIGS[name]) == {"sampler": method.sampler.name, "loss": method.loss.name}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_suite_may_ask_for_it_and_it_has_a_length(name):
    online = PreferenceConfig(refresh_every=1, batch=getattr(CONFIGS[name], "batch", 64))
    SuiteConfig(name="toy", methods=("m",), method={"m": CONFIGS[name], "online": online})
    assert toy_methods.method(CONFIGS[name]).steps >= 1


@pytest.mark.parametrize("name", CONFIGS)
def test_only_a_replay_in_order_is_as_long_as_what_it_replays(name):
    assert toy_methods.method(CONFIGS[name]).may_settle == (name != "preference/replay")

import importlib
import subprocess
import sys

import pytest

from bench.config.load import load_suite, scale_names, suite_names
from bench.config.models import ModelConfig, PairsConfig
from bench.config.suite import SuiteConfig
from bench.core.records import ROW_COLUMNS
from bench.methods.best_of_n import BestOfNConfig
from bench.methods.ppo import PPOConfig
from bench.methods.preference import PreferenceConfig
from bench.pipeline.plan import build_plan
from bench.rewards.config import BradleyTerryConfig

METHODS = {
    "ppo": PPOConfig.sweep(beta=(0.1, 0.3), steps=5),
    "dpo": PreferenceConfig.sweep(beta=(0.1,)),
    "bon": BestOfNConfig.sweep(n=(1, 2)),
}


def suite(**changes):
    return SuiteConfig(**({"name": "toy", "method": METHODS, "methods": ("ppo", "dpo", "bon")} | changes))


def plan(threads=1, **changes):
    return build_plan(suite(**changes), threads)


def keys(made):
    return {stage.key for cell in made.cells.values() for stage in cell.stage.closure()}


@pytest.mark.parametrize(("name", "scale"), [(name, s) for name in suite_names() for s in scale_names(name) or [None]])
def test_every_suite_plans_at_every_scale(name, scale):
    made = build_plan(load_suite(name, scale), 1)
    assert {cell.method for cell in made.cells.values()} == set(made.suite.methods)
    for stage in made.stages.values():
        assert callable(importlib.import_module(stage.run).run)
        assert stage.expected_s > 0
    for cell in made.cells.values():
        assert set(cell.identity) <= set(ROW_COLUMNS)


def test_names_are_the_contracts():
    assert list(plan(replicates=2, methods=("ppo",)).cells) == [
        "ppo-policy_sized-b0.1-r0",
        "ppo-policy_sized-b0.1-r1",
        "ppo-policy_sized-b0.3-r0",
        "ppo-policy_sized-b0.3-r1",
    ]
    assert list(plan(methods=("bon",)).cells) == ["bon-policy_sized-r0"]


def test_a_new_beta_costs_one_cell_and_nothing_below_it():
    wider = METHODS | {"ppo": PPOConfig.sweep(beta=(0.1, 0.3, 1.0), steps=5)}
    assert len(keys(plan(method=wider)) - keys(plan())) == 2  # training and measuring
    assert keys(plan()) < keys(plan(method=wider))


def test_a_changed_world_changes_everything_and_a_changed_cell_only_itself():
    world = suite().world.model_copy(update={"seed": 7})
    assert not keys(plan(world=world)) & keys(plan())
    longer = METHODS | {"dpo": PreferenceConfig.sweep(beta=(0.1,), epochs=9)}
    assert len(keys(plan(method=longer)) ^ keys(plan())) == 4  # training and measuring, twice


def test_runtime_threads_are_part_of_every_key():
    assert not keys(plan(threads=1)) & keys(plan(threads=2))


def test_replicates_redraw_everything_below_the_world_but_share_what_is_fixed():
    made = plan(replicates=2)
    first, second = (made.cells[f"dpo-policy_sized-b0.1-r{r}"].stage for r in (0, 1))
    for fixed in ("world", "sft", "gold", "reference"):
        assert first.inputs[fixed].key == second.inputs[fixed].key
    for redrawn in ("pairs", "proxy"):
        assert first.inputs[redrawn].key != second.inputs[redrawn].key


def test_cells_of_a_replicate_share_pairs_and_proxy():
    cells = plan().cells.values()
    assert len({cell.stage.inputs["pairs"].key for cell in cells}) == 1
    assert len({cell.stage.inputs["proxy"].key for cell in cells}) == 1


def test_a_proxy_of_another_size_starts_from_an_lm_of_its_size():
    small = BradleyTerryConfig(model=ModelConfig(layers=1, width=32, heads=2))
    made = plan(
        proxies={"policy_sized": BradleyTerryConfig(), "small": small},
        method={"bon": BestOfNConfig.sweep(proxy=("small",))},
        methods=("bon",),
    )
    stage = made.cells["bon-small-r0"].stage.inputs["proxy"]
    assert stage.inputs["lm"].config["model"] == {"layers": 1, "width": 32, "heads": 2}
    same = plan().cells["bon-policy_sized-r0"].stage
    assert same.inputs["proxy"].inputs["lm"].key == same.inputs["sft"].key
    scratch = plan(proxies={"policy_sized": BradleyTerryConfig(init="scratch")}).cells["bon-policy_sized-r0"].stage
    assert "lm" not in scratch.inputs["proxy"].inputs


def test_the_control_on_gold_needs_no_proxy():
    made = plan(method={"ppo_gold": PPOConfig.sweep(proxy=("gold",), beta=(0.1,))}, methods=("ppo_gold",))
    (cell,) = made.cells.values()
    assert "proxy" not in cell.stage.inputs
    assert cell.identity["proxy_id"] == "gold"
    assert cell.identity["proxy_seed"] is None


def test_pairs_enter_what_they_label_and_nothing_else():
    fewer = plan(pairs=PairsConfig(n=100))
    for a, b in zip(plan().cells.values(), fewer.cells.values(), strict=True):
        changed = {name for name in a.stage.inputs if a.stage.inputs[name].key != b.stage.inputs[name].key}
        assert changed - {"train"} == {"pairs", "proxy"}
        assert a.training is None or "train" in changed


def test_planning_imports_no_torch():
    code = "import sys, bench.pipeline.plan, bench.config.load; print('torch' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"

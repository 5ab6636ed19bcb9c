import json
from pathlib import Path

import pytest

from bench.config.compose import compose, run_key
from bench.config.load import load_suite, scale_names, suite_names
from bench.config.suite import SuiteConfig
from bench.errors import ConfigError
from bench.methods.preference import PreferenceConfig

EARLIER = "{kind: earlier_peak, name: x, method: ppo, kl: 8, "


@pytest.fixture
def suite_file(tmp_path):
    def write(text: str, name: str = "mine.yaml") -> str:
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


@pytest.mark.parametrize("name", suite_names())
def test_every_suite_parses_at_every_scale(name):
    for scale in scale_names(name) or [""]:
        suite = load_suite(name, scale or None)
        assert (suite.name, suite.scale) == (name, scale)


def test_defaults_come_from_the_classes_and_the_file_only_changes_them(suite_file):
    path = suite_file("method: {dpo: {lr: 1e-4}}\npairs: {n: 64}\n")
    suite, runtime = compose([f"suite={path}"])
    assert suite.name == "mine"
    assert suite.method["dpo"] == PreferenceConfig.sweep(lr=1e-4)  # a float, though YAML 1.1 reads `1e-4` as text
    assert suite.pairs.n == 64
    assert suite.pairs.held_out == SuiteConfig(name="x").pairs.held_out
    assert runtime.workers is None


def test_the_command_line_wins(suite_file):
    path = suite_file("replicates: 2\n")
    suite, runtime = compose(
        [
            path,
            "replicates=3",
            "method.dpo.beta=[.03,.1]",
            "methods=[dpo]",
            "method.dpo.lr=1e-4",
            "workers=4",
            "store='~/s'",
        ]
    )
    assert suite.replicates == 3
    assert suite.methods == ("dpo",)
    assert (suite.method["dpo"].beta, suite.method["dpo"].lr) == ((0.03, 0.1), 1e-4)
    assert (runtime.workers, runtime.store) == (4, Path.home() / "s")


def test_one_value_for_a_list_is_a_list_of_one(suite_file):
    suite, _ = compose([suite_file("name: one\n"), "method.dpo.beta=.1", "methods=dpo"])
    assert (suite.method["dpo"].beta, suite.methods) == ((0.1,), ("dpo",))


def test_another_type_starts_from_its_own_defaults(suite_file):
    path = suite_file("gold: {steps: 5}\n")
    assert compose([path, "gold.type=rubric"])[0].gold.type == "rubric"
    suite, _ = compose([path, "+method.mine.type=preference", "method.mine.beta=[.2]", "methods=[mine]"])
    assert suite.method["mine"] == PreferenceConfig.sweep(beta=(0.2,))
    assert compose([suite_file("gold: {type: rubric}\n")])[0].gold.type == "rubric"


def test_weights_are_given_as_a_mapping_or_one_by_one(suite_file):
    path = suite_file("gold: {weights: {tone: 2}}\n")
    assert compose([path])[0].gold.weights == {"tone": 2.0}
    assert compose([path, "gold.weights.tone=3", "+gold.weights.facts=.5"])[0].gold.weights == {"tone": 3, "facts": 0.5}
    assert compose(["smoke", "+gold.weights={form: 0}"])[0].gold.weights == {"form": 0.0}
    assert compose(["smoke"])[0].gold.weights == {}


def test_runtime_keys_do_not_move_the_run(suite_file, monkeypatch):
    path = suite_file("name: x\n")
    monkeypatch.setenv("GOLDBENCH_STORE", "/elsewhere")
    suite, runtime = compose([path])
    assert runtime.store == Path("/elsewhere")
    assert runtime.out == Path("runs") / f"x-{run_key(suite)}"
    assert compose([path, "workers=3", "device=cpu"])[1].out == runtime.out
    assert compose([path, "replicates=2"])[1].out != runtime.out


def test_a_resolved_config_gives_itself(suite_file):
    suite, _ = compose([suite_file("method: {dpo: {lr: 1e-5}}\n")])
    again, _ = compose([suite_file(json.dumps(suite.model_dump(mode="json")), "config.json")])
    assert again == suite


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["suite=smoek"], ["'smoek'", "did you mean 'smoke'"]),
        (["suite=no/such.yaml"], ["no/such.yaml", "does not exist"]),
        ([], ["no suite"]),
        (["smoke", "other"], ["2 suites"]),
        (["smoke", "methd=[dpo]"], ["'methd'", "did you mean 'method'"]),
        (["smoke", "method.dpo.bta=[.1]"], ["'method.dpo.bta'", "did you mean 'beta'"]),
        (["smoke", "method.dop.beta=[.1]"], ["'method.dop.beta'", "did you mean 'dpo'"]),
        (["smoke", "world.seed.x=1"], ["'world.seed.x'"]),
        (["smoke", "methods=[dpoo]"], ["'dpoo'", "did you mean 'dpo'"]),
        (["smoke", "method.dpo.lr=fast"], ["method.dpo.lr", "'fast'", "number"]),
        (["smoke", "method.dpo.lr=-1"], ["method.dpo.lr", "-1", "greater than 0"]),
        (["smoke", "method.dpo.beta=[.1,-1]"], ["method.dpo.beta.1", "-1"]),
        (["smoke", "method.dpo.beta=.1,.2"], ["method.dpo.beta=[.1,.2]"]),
        (["smoke", "method.dpo.beta=[.1"], ["'method.dpo.beta=[.1'", "key=value"]),
        (["smoke", "gold.type=rubrik"], ["gold.type", "'rubrik'", "did you mean 'rubric'"]),
        (["smoke", "+gold.stpes=3"], ["'gold.stpes'", "did you mean 'steps'"]),
        (["smoke", "device=gpu"], ["device", "'gpu'", "'cuda'"]),
        (["smoke", "workers=0"], ["workers", "greater than or equal to 1"]),
        (["smoke", "--workers=2"], ["'--workers=2'", "key=value"]),
        (
            ["smoke", "+gold.weights={tones: 2}"],
            ["gold.weights: unknown part of the rubric 'tones'", "choose from facts", "did you mean 'tone'"],
        ),
        (["smoke", "+gold.weights={tone: -1}"], ["gold.weights.tone", "-1", "greater than or equal to 0"]),
        (["smoke", "budgets=[2,1]"], ["budgets", "increasing"]),
        (["smoke", "name=${x}"], ["'name=${x}'"]),
    ],
)
def test_a_mistake_is_one_line_that_names_it(words, parts):
    with pytest.raises(ConfigError) as caught:
        compose(words)
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("pairs: {m: 3}\n", ["'pairs.m'", "under 'pairs' choose from n"]),
        ("proxies: {big: {model: {layer: 3}}}\n", ["'proxies.big.model.layer'", "did you mean 'layers'"]),
        ("method: {mine: {beta: [.1]}}\n", ["method.mine", "missing type", "ppo"]),
        ("method: {mine: {type: dpo}}\n", ["method.mine.type", "'dpo'", "ppo"]),
        ("workers: 3\n", ["'workers'", "command line"]),
        (f"claims: [{EARLIER}judge: users, than: users}}]\n", ["'x' compares the judge 'users' with itself"]),
        (f"claims: [{EARLIER}judge: writers, than: gold}}]\n", ["'x' compares with the writers", "set gold.weights"]),
        (f"claims: [{EARLIER}judge: readers, than: gold}}]\n", ["judge", "'readers'", "'writers' or 'users'"]),
        ("- a\n", ["list"]),
        ("a: [\n", ["cannot be read"]),
        ("sft: {model: {width: 97}}\n", ["sft.model", "97"]),
    ],
)
def test_a_mistake_in_a_file_names_the_file_and_the_key(suite_file, text, parts):
    path = suite_file(text)
    with pytest.raises(ConfigError) as caught:
        compose([path])
    message = str(caught.value)
    assert message.startswith(path)
    assert "\n" not in message
    for part in parts:
        assert part in message

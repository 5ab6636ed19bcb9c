import hashlib
import json
import sys

import pytest
import toy_plugins

from bench.cli import main
from bench.commands.ls import LISTS
from bench.config.compose import compose
from bench.config.plugins import added_losses, file_losses, functions
from bench.errors import ConfigError
from bench.pipeline.plan import build_plan

MINE = "+method.mine={type: preference, f: mine, beta: [.1, .2]}"
BOTH = ["smoke", MINE, "methods=[dpo,mine,bon]"]


@pytest.fixture
def plugin(tmp_path):
    return toy_plugins.plugin(tmp_path)


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder on the path, where packages are installed."""
    monkeypatch.syspath_prepend(tmp_path / "site")
    (tmp_path / "site").mkdir()
    return tmp_path / "site"


def parsed_suite(plugin, *words):
    return compose([*BOTH, f"plugin={plugin}", *words])[0]


def keys(suite):
    return {cell.name: cell.stage.key for cell in build_plan(suite, 1).cells.values()}


def refused(words):
    with pytest.raises(ConfigError) as caught:
        compose(words)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_public_functions_are_read_and_nothing_is_run(tmp_path):
    path = toy_plugins.plugin(
        tmp_path,
        "import torch, no_such_module\nraise SystemExit\nvalue = 3\nlam = lambda x: -x\n"
        "def _hidden(x): ...\nasync def later(x): ...\nclass Klass:\n    def method(x): ...\n"
        "def one(x):\n    '''First.\n\n    Rest.'''\n    def inner(x): ...\ndef two(x): ...\n",
    )
    assert functions(path) == {"one": "First.", "two": ""}


def test_a_suite_records_the_hash_of_what_its_methods_use(plugin):
    suite = parsed_suite(plugin)
    assert suite.losses == {"mine": hashlib.sha256(plugin.read_bytes()).hexdigest()}
    assert compose(["smoke"])[0].losses == {}
    assert suite.method["mine"].f == "mine"


def test_only_cells_that_use_a_loss_carry_its_hash_and_an_edit_redoes_those_alone(plugin):
    suite = parsed_suite(plugin)
    stages = build_plan(suite, 1).stages.values()
    carrying = {stage.name for stage in stages if "losses" in stage.config}
    assert carrying == {"train/mine-policy_sized-b0.1-r0", "train/mine-policy_sized-b0.2-r0"}
    before = {stage.name: stage.key for stage in stages}
    plugin.write_text(plugin.read_text() + "\n# a comment is an edit: what the file means is not looked into\n")
    after = {stage.name: stage.key for stage in build_plan(parsed_suite(plugin), 1).stages.values()}
    measured = {name.replace("train/", "measure/") for name in carrying}
    assert {name for name in before if before[name] != after[name]} == carrying | measured


def test_a_method_that_is_only_replayed_brings_its_loss(plugin):
    fresh = "+method.fresh={type: preference, f: mine, beta: [.1], refresh_every: 1}"
    again = "+method.again={type: preference, beta: [.1], replay: fresh}"
    suite, _ = compose(["smoke", fresh, again, "methods=[again]", f"plugin={plugin}"])
    assert list(suite.losses) == ["mine"]
    (cell,) = build_plan(suite, 1).cells.values()
    assert cell.training.inputs["replayed"].config["losses"] == suite.losses


def test_built_in_losses_have_the_keys_that_they_have_without_a_plugin(plugin):
    alone = keys(compose(["smoke", "methods=[dpo,bon]"])[0])
    assert alone.items() <= keys(parsed_suite(plugin)).items()


def test_where_the_plugin_lies_changes_nothing(plugin, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    moved = toy_plugins.plugin(tmp_path / "elsewhere", plugin.read_text(), "renamed.py")
    assert parsed_suite(moved) == parsed_suite(plugin)
    assert keys(parsed_suite(moved)) == keys(parsed_suite(plugin))


def test_a_config_is_repeated_with_the_same_code_or_not_at_all(plugin, tmp_path):
    suite = parsed_suite(plugin)
    config = tmp_path / "config.json"
    config.write_text(json.dumps(suite.model_dump(mode="json")))
    assert compose([str(config), f"plugin={plugin}"])[0] == suite
    missing = refused([str(config)])
    for part in ("method.mine.f", "'mine'", suite.losses["mine"], "plugin=FILE.py"):
        assert part in missing
    assert compose([str(config), "methods=[dpo]"])[0].losses == {}  # what is not run needs no code
    plugin.write_text(plugin.read_text() + "#")
    edited = refused([str(config), f"plugin={plugin}"])
    for part in (str(plugin), suite.losses["mine"], hashlib.sha256(plugin.read_bytes()).hexdigest()):
        assert part in edited


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["smoke", "method.dpo.f=logistik"], ["method.dpo.f: unknown loss 'logistik'", "did you mean 'logistic'"]),
        (["smoke", "method.dpo.f=torch.exp"], ["unknown loss 'torch.exp'", "plugin=FILE.py"]),
        (["smoke", "method.dpo.f=mime", "plugin=PLUGIN"], ["'mime'", "choose from logistic,", "did you mean 'mine'"]),
        (["smoke", "plugin=PLUGIN"], ["defines mine, steep", "no method of this suite uses", "method.NAME.f=mine"]),
        (["smoke", "plugin=missing.py"], ["plugin=missing.py is not a Python file"]),
        (["smoke", "plugin=."], ["plugin=. is not a Python file"]),
        (["smoke", "plugin=pyproject.toml"], ["is not a Python file"]),
        (["smoke", "losses.mine=abc"], ["'losses.mine=abc'", "method.NAME.f=LOSS"]),
        (["smoke", "+losses.mine=abc"], ["'+losses.mine=abc'", "plugin=FILE.py"]),
    ],
)
def test_a_mistake_is_one_line_that_names_it(plugin, words, parts):
    message = refused([word.replace("PLUGIN", str(plugin)) for word in words])
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("def mine(x:\n", ["cannot be parsed as Python", "line 1"]),
        ("\0", ["cannot be parsed as Python"]),
        ("a = '\xff'", ["cannot be parsed as Python"]),
        ("mine = lambda x: -x\n", ["defines no public function"]),
        ("def hinge(x): ...\n", ["'hinge' of", "built-in"]),
        ("mine = 3\ndef other(x): ...\n", ["unknown loss 'mine'", "'other' of"]),
    ],
)
def test_a_file_that_offers_nothing_of_use_is_refused(tmp_path, text, parts):
    (tmp_path / "own.py").write_bytes(text.encode("latin-1"))
    message = refused([*BOTH, f"plugin={tmp_path / 'own.py'}"])
    assert str(tmp_path / "own.py") in message
    for part in parts:
        assert part in message


@pytest.mark.parametrize("key", ["losses: {mine: abc}", "plugin: own.py", "scales: {full: {losses: {mine: abc}}}"])
def test_no_file_of_settings_brings_code(tmp_path, key):
    (tmp_path / "suite.yaml").write_text(f"{key}\nmethod: {{dpo: {{f: mine}}}}\n")
    message = refused([str(tmp_path / "suite.yaml")])
    assert key.partition(":")[0] in message or "losses" in message
    assert "plugin" in message


def test_a_package_offers_losses_without_being_imported(site, tmp_path):
    code = toy_plugins.install(site)
    (definition,) = added_losses(None).values()
    assert str(definition) == "'packaged' of goldbench-toy 0.1"
    suite = compose(["smoke", "method.dpo.f=packaged"])[0]
    assert suite.losses == {"packaged": definition.sha256()}
    assert "toy_losses" not in sys.modules
    assert list(LISTS["methods"](None))[-1].line.split() == ["f=packaged", "(goldbench-toy", "0.1)"]
    code.write_text(code.read_text() + "# edited\n")
    assert compose(["smoke", "method.dpo.f=packaged"])[0].losses != suite.losses


def test_a_packages_version_and_every_source_of_it_define_its_losses(site, tmp_path):
    def digest(**how):
        folder = tmp_path / f"site{len(list(tmp_path.iterdir()))}"
        toy_plugins.install(folder, **how)
        sys.path.insert(0, str(folder))
        try:
            (definition,) = added_losses(None).values()
            return definition.sha256()
        finally:
            sys.path.remove(str(folder))

    assert digest() == digest()
    assert len({digest(), digest(version="0.2"), digest(losses="packaged = toy_losses.inner.f:other")}) == 3


@pytest.mark.parametrize(
    ("losses", "parts"),
    [
        ("logistic = toy_losses.inner.f:packaged", ["'logistic' of goldbench-toy 0.1", "built-in"]),
        ("mine = toy_losses.inner.f:packaged", ["'mine' of goldbench-toy 0.1", "own.py"]),
    ],
)
def test_a_name_that_is_taken_is_refused(site, plugin, losses, parts):
    toy_plugins.install(site, losses)
    message = refused([*BOTH, f"plugin={plugin}"])
    for part in parts:
        assert part in message


def test_an_installed_name_without_its_code_is_refused(site):
    toy_plugins.install(site, "packaged = no_such_toy.f:g")
    assert "'no_such_toy' is not importable" in refused(["smoke", "method.dpo.f=packaged"])


def test_the_list_of_methods_tells_losses_and_whose_they_are(plugin, capsys):
    assert main(["ls", "methods", f"plugin={plugin}"]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert "f=logistic  log(1 + e^-x): DPO (Rafailov et al. 2023, 2305.18290, eq. 7)." in lines
    assert f"f=mine  log(1 + e^-x), written out. ({plugin})" in lines
    assert file_losses(plugin)[1].name == "steep"

import sys
from pathlib import Path

import pytest
import torch
import toy_plugins

from bench.checks.plugins import check_f
from bench.checks.plugins.user_losses import LOADS, verdicts
from bench.config.plugins import added_losses, file_losses
from bench.errors import ConfigError
from bench.losses.margin.logistic import logistic
from bench.losses.plugins import load, loaded, verified_losses

X = torch.linspace(-3, 3, 50)


def hashes(plugin):
    return {definition.name: definition.sha256() for definition in file_losses(plugin)}


def test_a_plugins_function_is_what_its_file_says(tmp_path):
    plugin = toy_plugins.plugin(tmp_path)
    found = verified_losses(hashes(plugin), plugin)
    assert list(found) == ["mine", "steep"]
    assert torch.equal(found["mine"](X), logistic(X))
    assert torch.equal(found["steep"](X), torch.exp(-2 * X))
    check_f(load("mine", plugin))


def test_three_lines_are_enough(tmp_path):
    plugin = toy_plugins.plugin(tmp_path, "import torch\ndef mine(x): return torch.log1p(torch.exp(-x))\n")
    torch.testing.assert_close(load("mine", plugin)(X), logistic(X))


def test_a_file_is_run_anew_each_time_and_no_import_statement_finds_it(tmp_path):
    plugin = toy_plugins.plugin(tmp_path)
    one, two = verified_losses(hashes(plugin), plugin), verified_losses(hashes(plugin), plugin)
    assert one["mine"] is not two["mine"]
    assert one["mine"].__globals__ is not two["mine"].__globals__
    assert not any(name.isidentifier() for name in sys.modules if "plugin" in name and "goldbench" in name)


def test_an_edit_during_a_run_does_not_slip_in(tmp_path):
    plugin = toy_plugins.plugin(tmp_path)
    wanted = hashes(plugin)
    verified_losses(wanted, plugin)
    plugin.write_text(plugin.read_text().replace("-2", "-3"))
    with pytest.raises(ConfigError, match=r"'mine' of .*own\.py changed after this run had begun"):
        verified_losses(wanted, plugin)
    assert torch.equal(load("steep", plugin)(X), torch.exp(-3 * X))


def test_an_unknown_name_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(ConfigError, match=r"unknown loss 'mime' in .*; choose from mine, steep; did you mean 'mine'"):
        load("mime", toy_plugins.plugin(tmp_path))


HOSTILE = {
    "raise ValueError('no\\nluck')\ndef mine(x): ...": "cannot be loaded: ValueError: no luck",
    "import no_such_module_here\ndef mine(x): ...": "cannot be loaded: ModuleNotFoundError",
    "import sys; sys.exit(3)\ndef mine(x): ...": "cannot be loaded: SystemExit: 3",
    "def mine(x): ...\ndel mine": "cannot be loaded: AttributeError",
    "def mine(x): ...\nmine = 3": "is a int; a loss is a function",
    "def mine(x): raise KeyError('beta')": "cannot take a tensor of 41 numbers: KeyError: 'beta'",
    "def mine(x, beta): return -x": "cannot take a tensor of 41 numbers: TypeError",
    "def mine(x): return (-x).exp().mean()": "gives () for 41 numbers",
    "def mine(x): return (-x).exp()[None]": "gives (1, 41) for 41 numbers",
    "def mine(x): return x.tolist()": "gives list for 41 numbers",
    "def mine(x): return x.exp()": "has the slope 1 at 0; it must fall there",
    "def mine(x): return (-x).relu()": "has the slope -0 at 0",
    "def mine(x): return -x.log()": "is not finite between -2 and 2",
    "def mine(x): return (-x).exp().detach()": "cuts the gradient",
    "import torch\ndef mine(x): return (x[:, None] @ -torch.ones(1, 1)).exp()[:, 0]": "cannot be differentiated twice",
    "def mine(x): return (x.mean() - x).exp()": "another loss when other pairs stand beside it",
}


@pytest.mark.parametrize(("text", "what"), HOSTILE.items(), ids=range(len(HOSTILE)))
def test_a_hostile_plugin_is_told_in_one_line_by_file_and_function(tmp_path, text, what):
    plugin = toy_plugins.plugin(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load("mine", plugin)
    message = str(caught.value)
    assert message.startswith(f"'mine' of {plugin} ")
    assert what in message
    assert "\n" not in message


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] == "toy_losses"]:
        del sys.modules[name]


def test_a_packages_function_is_loaded_while_its_sources_are_the_same(site):
    code: Path = toy_plugins.install(site)
    (definition,) = added_losses(None).values()
    wanted = {"packaged": definition.sha256()}
    assert torch.equal(verified_losses(wanted, None)["packaged"](X), torch.exp(-X))
    (code.parent.parent / "added.py").write_text("")
    with pytest.raises(ConfigError, match=r"'packaged' of goldbench-toy 0\.1 changed after this run had begun"):
        verified_losses(wanted, None)
    assert loaded(definition, definition.sha256())(torch.zeros(1)) == 1


def test_a_loss_is_asked_by_name_what_every_loss_and_method_is_asked(tmp_path):
    text = "import torch\ndef good(x): return torch.log1p(torch.exp(-x))\ndef wild(x): return torch.exp(-9 * x)\n"
    text += "def single(x): return torch.exp(-x.float())\ndef up(x): return x.exp()\n"
    good, wild, single, up = map(verdicts, file_losses(toy_plugins.plugin(tmp_path, text)))
    assert len(good) > 15
    assert set(good.values()) == {""}
    assert {name for name, reason in wild.items() if reason} == {"finite"}
    assert "torch.float64 to torch.float32" in single["shape"]
    assert list(up) == [LOADS]
    assert "must fall" in up[LOADS]

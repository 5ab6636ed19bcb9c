"""Losses that users bring, through the command, real workers and real cells over stored toy stages."""

import json
import shutil

import pytest
import toy_artifacts
import toy_plugins

from bench.cli import main
from bench.engine.files import read_json
from bench.engine.store import Store
from bench.runs.folder import load_run

DPO = toy_artifacts.SUITE.method["dpo"]
LOSSES = {"dpo": "logistic", "mine": "mine", "steep": "steep", "exp": "exponential", "theirs": "packaged"}
METHODS = {name: DPO.model_copy(update={"f": f}) for name, f in LOSSES.items()}
CELLS = {name: f"{name}-policy_sized-b0.1-r0" for name in METHODS}


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A suite file, a package's site, and a store with everything below the cells."""
    root = tmp_path_factory.mktemp("own")
    plan, folders = toy_artifacts.build(root / "made")
    store = Store(root / "store")
    cell = plan.cells[CELLS["dpo"]]
    for stage in cell.stage.closure():
        if stage in (cell.training, cell.stage):
            continue
        shutil.copytree(folders[stage.name], store.work(stage))
        store.publish(stage, {"status": "ok", "gold_rubric_corr": 1.0}, 1.0, "cpu")
    suite = toy_artifacts.SUITE.model_copy(update={"method": METHODS, "methods": tuple(METHODS)})
    (root / "suite.json").write_text(json.dumps(suite.model_dump(mode="json")))
    toy_plugins.install(root / "site")
    return root


@pytest.fixture(autouse=True)
def unreported(monkeypatch):
    """A report takes longer than these cells."""
    monkeypatch.setattr("bench.commands.run.refresh_report", lambda folder: folder / "report.html")


def run(root, *words):
    return main(["run", *words, f"store={root / 'store'}", f"out={root / 'out'}", "workers=1", "device=cpu"])


def log(root, method):
    return (root / "out" / "cells" / CELLS[method] / "log.jsonl").read_bytes()


def test_losses_train_in_a_worker_and_an_edit_redoes_only_its_cells(begun, capsys, monkeypatch):
    monkeypatch.syspath_prepend(begun / "site")
    plugin = toy_plugins.plugin(begun)
    words = [str(begun / "suite.json"), f"plugin={plugin}"]
    assert run(begun, *words) == 0, capsys.readouterr()
    # built-in losses by other names, on the same pairs in the same order: the same training to the last bit
    assert log(begun, "mine") == log(begun, "dpo")
    assert log(begun, "theirs") == log(begun, "exp")
    assert len({log(begun, method) for method in ("dpo", "exp", "steep")}) == 3
    rows = load_run(begun / "out").rows
    assert rows.groupby("method")["loss"].unique().map(list).to_dict() == {name: [f] for name, f in LOSSES.items()}
    capsys.readouterr()

    config = str(begun / "out" / "config.json")
    assert set(read_json(begun / "out" / "config.json")["losses"]) == {"mine", "steep", "packaged"}
    assert run(begun, config, f"plugin={plugin}") == 0
    assert "made 0 stages" in capsys.readouterr().out
    assert run(begun, config) == 2
    assert "give its plugin=FILE.py" in capsys.readouterr().err

    plugin.write_text(plugin.read_text().replace("-2", "-3"))
    assert run(begun, *words, "methods=[dpo,steep,exp]") == 0
    assert "made 2 stages" in capsys.readouterr().out


def test_a_plugin_that_cannot_work_is_refused_before_anything_is_made(begun, tmp_path, capsys):
    plugin = toy_plugins.plugin(tmp_path, "def mine(x): return x.exp()\n")
    assert run(begun, str(begun / "suite.json"), f"plugin={plugin}", "methods=[dpo,mine]", f"out={tmp_path}") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"'mine' of {plugin} has the slope 1 at 0" in error


def test_selfcheck_asks_a_plugin_what_every_loss_is_asked(tmp_path, capsys):
    plugin = toy_plugins.plugin(tmp_path, "import torch\ndef mine(x): return torch.log1p(torch.exp(-x))\n")
    assert main(["selfcheck", f"plugin={plugin}"]) == 0
    assert "losses checked: 1, checks off: 0" in capsys.readouterr().out
    plugin.write_text("import torch\ndef mine(x): return torch.exp(-9 * x)\n")
    assert main(["selfcheck", "mine", f"plugin={plugin}"]) == 1
    out = capsys.readouterr().out
    assert "MISMATCH: f is not finite" in out
    assert "checks off: 1" in out
    assert main(["selfcheck", "mime", f"plugin={plugin}"]) == 2

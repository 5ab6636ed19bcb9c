"""Added losses hold no state that a key does not: each cell gets fresh code, a loss that remembers is refused."""

import importlib.metadata

import pytest
import torch
import toy_plugins

from bench.checks.plugins import F_CHECKS, failures
from bench.config.plugins import PackageLoss
from bench.errors import ConfigError
from bench.losses.plugins import load, loaded

COUNTS = """
import torch
CALLS = 0
def mine(x):
    global CALLS
    CALLS += 1
    return torch.nn.functional.softplus(-x) * {factor}
"""
EVERY = COUNTS.format(factor="(1 + CALLS)")
LATE = COUNTS.format(factor="(1 + (CALLS > 100))")  # no quick check sees that


def values(f, times):
    x = torch.linspace(-1, 1, 5)
    return [f(x).sum().item() for _ in range(times)][-1]


def test_a_loss_that_counts_its_calls_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="remembers: the same numbers have another loss when they come again"):
        load("mine", toy_plugins.plugin(tmp_path, EVERY))


def test_the_conformance_check_finds_it_too():
    seen = []

    def f(x):
        seen.append(1)
        return torch.nn.functional.softplus(-x) * (1 + len(seen) % 2)

    assert failures(F_CHECKS, f)["remembers nothing"].startswith("f of the same numbers is another when they come")


def test_a_cell_finds_nothing_of_the_cell_before(tmp_path):
    plugin = toy_plugins.plugin(tmp_path, LATE)
    alone = values(load("mine", plugin), 60)
    values(load("mine", plugin), 60)
    assert values(load("mine", plugin), 60) == alone  # 120 calls and more in one process
    one = load("mine", plugin)
    values(one, 150)
    assert values(one, 1) == 2 * alone  # it does remember within a cell


def test_a_packages_loss_is_as_fresh(tmp_path, monkeypatch):
    (tmp_path / "counting_package.py").write_text(LATE)
    monkeypatch.syspath_prepend(tmp_path)
    definition = PackageLoss("mine", importlib.metadata.EntryPoint("mine", "counting_package:mine", "goldbench.losses"))
    alone = values(loaded(definition, definition.sha256()), 60)
    values(loaded(definition, definition.sha256()), 60)
    assert values(loaded(definition, definition.sha256()), 60) == alone

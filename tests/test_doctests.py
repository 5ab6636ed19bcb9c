"""Every example in a docstring prints what it says. `tests/stats/test_doctests.py` holds those of `bench.stats`."""

import doctest
import importlib
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[1]
FILES = [p for room in ("bench", "gold") for p in sorted((ROOT / room).rglob("*.py")) if ">>> " in p.read_text()]
MODULES = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in FILES if "stats" not in path.parts]


def test_examples_are_found():
    assert {"bench.lm.kl", "bench.measure.best_of_n", "bench.rewards.units"} <= set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_run(name):
    module = importlib.import_module(name)
    tests = [test for test in doctest.DocTestFinder().find(module, name, extraglobs={"torch": torch}) if test.examples]
    output: list[str] = []
    for test in tests:
        assert not doctest.DocTestRunner(verbose=False).run(test, out=output.append).failed, "".join(output)
    assert tests

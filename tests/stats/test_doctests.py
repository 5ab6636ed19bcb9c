"""Every public function of `bench.stats` has an Example, and it prints the output in its docstring."""

import doctest
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import bench.stats

FUNCTIONS = [name for name in bench.stats.__all__ if inspect.isfunction(getattr(bench.stats, name))]


def test_the_public_functions_are_all_found():
    assert {"curve", "peak", "hump_test", "at_kl", "compare", "fit"} < set(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_example_runs(name):
    function = getattr(bench.stats, name)
    (example,) = doctest.DocTestFinder(recurse=False).find(function, name, globs={})
    assert len(example.examples) >= 2
    output: list[str] = []
    failed = doctest.DocTestRunner(verbose=False).run(example, out=output.append).failed
    assert not failed, "".join(output)


@pytest.mark.parametrize("heavy", ["torch", "matplotlib", "pandas", "scipy"])
def test_the_import_is_light(heavy):
    code = f"import bench.stats, sys; assert {heavy!r} not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_using_it_never_loads_torch():
    code = "from bench.stats import at_kl, example_frame; import sys; at_kl(example_frame(), 8)\n"
    code += "assert not {'torch', 'matplotlib'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'curvature'"):
        bench.stats.curvature  # noqa: B018


def test_the_example_of_the_documentation_runs(capsys):
    page = (Path(__file__).parents[2] / "docs" / "statistics.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(block, {})
    assert "observed" in capsys.readouterr().out

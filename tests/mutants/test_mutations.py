"""The mutation tool itself: what it changes, what it leaves, and that a planted change is what then runs."""

import ast
import importlib.util
import os
from pathlib import Path

import pytest
from forks import TIMED_OUT, forked
from mutations import mutants
from run import wilson
from session import functions, plant

MODULE = '''
"""Text."""
LIMIT = 3

def clipped(x: "int", low: int = 0) -> int:
    """Text 1 < 2."""
    if x < low:
        raise ValueError(f"{x - 1} is below")
    return min(x + 1, LIMIT)
'''


@pytest.fixture
def module(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "small.py"
    path.write_text(MODULE)
    return path


def test_the_mutants_of_a_small_module(module):
    _, found = mutants(module, module.parent)
    assert sorted((m.function, m.change, m.in_function) for m in found) == [
        ("", "3 -> -3", False),
        ("", "3 -> 4", False),
        ("clipped", "1 -> -1", True),
        ("clipped", "1 -> 2", True),
        ("clipped", "default 0 -> 1", False),
        ("clipped", "min -> max", True),
        ("clipped", "raise ValueError(f'{x - 1} is below') -> pass", True),
        ("clipped", "x + 1 -> x - 1", True),
        ("clipped", "x < low -> not x < low", True),
        ("clipped", "x < low -> x <= low", True),
    ]


def test_a_planted_mutant_runs_also_where_the_function_is_held_elsewhere(module):
    spec = importlib.util.spec_from_file_location("small", module)
    small = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(small)
    held = small.clipped
    tree, found = mutants(module, module.parent)
    mutant = next(m for m in found if m.change == "x + 1 -> x - 1")
    assert "min(x - 1, LIMIT)" in mutant.source(tree)
    assert held(1) == 2
    assert plant(mutant, tree, functions())
    assert held(1) == 0
    assert "min(x + 1, LIMIT)" in ast.unparse(tree)  # the tree is as it was


def children():
    """Ids of this process's children."""
    return Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()


def test_a_child_that_does_not_end_is_stopped():
    ended, before = {}, children()

    def endless(folder):
        while True:
            pass

    jobs = [("ends", 9.0, lambda folder: 7), ("endless", 0.2, endless), ("fails", 9.0, lambda folder: 1 // 0)]
    forked(jobs, 2, lambda key, status, seconds, folder: ended.update({key: status}))
    assert ended == {"ends": 7, "endless": TIMED_OUT, "fails": 99}
    assert children() == before  # nobody is left


def test_wilson_by_hand():
    # p = .5, n = 4, z = 2: centre (.5 + .5) / 2, half width 2 sqrt(1/16 + 1/16) / 2
    low, high = wilson(2, 4, 2.0)
    assert (low, high) == pytest.approx((0.5 - 2 * (1 / 8) ** 0.5 / 2, 0.5 + 2 * (1 / 8) ** 0.5 / 2))

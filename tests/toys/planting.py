"""Planting errors: a function of the harness is replaced wherever a loaded module of the harness holds it."""

import inspect
import sys
import textwrap
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from bench.checks.estimators.check import Measured
from bench.checks.estimators.run import GROUPS

Plant = Callable[[pytest.MonkeyPatch], None]


def _modules() -> list[Any]:
    return [module for name, module in sys.modules.items() if name.partition(".")[0] in ("bench", "gold")]


def swap(old: Any, new: Any) -> Plant:
    """Plant `new` for `old` in every module, and in every dict of a module that lists it."""

    def plant(monkeypatch: pytest.MonkeyPatch) -> None:
        found = 0
        for module in _modules():
            for name, value in list(vars(module).items()):
                if value is old:
                    monkeypatch.setattr(module, name, new)
                    found += 1
                elif isinstance(value, dict) and not name.startswith("__"):
                    for key in [key for key, inner in value.items() if inner is old]:
                        monkeypatch.setitem(value, key, new)
                        found += 1
        assert found, f"nothing holds {old}"

    return plant


def method(owner: type, name: str, new: Any) -> Plant:
    """Plant a method of a class."""
    return lambda monkeypatch: monkeypatch.setattr(owner, name, new)


def edit(owner: type, name: str, old: str, new: str) -> Plant:
    """Plant a method, or a property, whose source has `new` in place of `old`, which it must have once."""
    held = vars(owner)[name]
    source = textwrap.dedent(inspect.getsource(held.fget if isinstance(held, property) else held))
    assert source.count(old) == 1, f"{owner.__name__}.{name} has {old!r} {source.count(old)} times"
    names = dict(vars(sys.modules[owner.__module__]))
    exec(compile(source.replace(old, new), f"{owner.__name__}.{name}, edited", "exec"), names)
    return method(owner, name, names[name])


def forget() -> None:
    """Empty every cache of the checks, so that no number outlives the code that made it."""
    for module in _modules():
        if module.__name__.startswith("bench.checks.estimators"):
            for value in vars(module).values():
                if hasattr(value, "cache_clear"):
                    value.cache_clear()


def run(check: str) -> Measured:
    """The check `group/name`, run now."""
    group, name = check.split("/", 1)
    return GROUPS[group][name]()


@cache
def _passes(check: str) -> bool:
    return run(check).ok


def assert_caught(plant: Plant, check: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check passes without the planted error and fails with it."""
    assert _passes(check)
    forget()
    plant(monkeypatch)
    try:
        measured = run(check)
    finally:
        forget()
    assert not measured.ok, measured

"""The bounds of pyproject.toml: constraints/lowest.txt pins each lower bound, and every import is declared."""

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
RUNTIME = [Requirement(text) for text in PROJECT["dependencies"]]
TEST = [Requirement(text) for text in PROJECT["optional-dependencies"]["test"]]


def lower_bound(requirement: Requirement) -> Version:
    (bound,) = (one.version for one in requirement.specifier if one.operator == ">=")
    return Version(bound)


def pins() -> dict[str, Version]:
    lines = (ROOT / "constraints" / "lowest.txt").read_text().splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): Version(version) for name, version in pairs}


@pytest.mark.parametrize("requirement", RUNTIME + TEST, ids=lambda one: one.name)
def test_the_lowest_constraints_pin_each_lower_bound(requirement):
    assert pins()[canonicalize_name(requirement.name)] == lower_bound(requirement)


def test_transformers_has_the_training_argument_that_the_fits_set():
    (transformers,) = (one for one in RUNTIME if one.name == "transformers")
    assert lower_bound(transformers) >= Version("5.23")


def test_every_import_is_a_declared_dependency():
    files = [path for package in ("bench", "gold", "reports") for path in (ROOT / package).rglob("*.py")]
    nodes = [node for path in files for node in ast.walk(ast.parse(path.read_text()))]
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level]
    ours = {"bench", "benchmarks", "gold", "reports", "suites"}
    imported = {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names) - ours
    declared = {canonicalize_name(one.name) for one in RUNTIME}
    homes = packages_distributions()
    assert [name for name in sorted(imported) if not declared & {canonicalize_name(d) for d in homes[name]}] == []

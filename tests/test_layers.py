"""Imports run one way. Every import statement counts: module-level, lazy and type-only ones."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

LAYERS = [
    ["bench.errors", "bench.core.schema"],
    ["bench.engine.files", "bench.core.records", "bench.measure.text", "bench.config", "bench.stats"],
    ["bench.core", "bench.engine"],
    ["bench.worlds"],
    ["bench.lm"],
    ["bench.rewards"],
    ["bench.losses", "bench.samplers", "gold"],
    ["bench.methods"],
    ["bench.training", "bench.measure"],
    ["bench.pipeline", "bench.checks", "bench.checks.estimators", "bench.checks.plugins", "bench.checks.statistics"],
    ["reports.read"],
    ["reports.draw"],
    ["reports.analysis"],
    ["reports.sections"],
    ["reports.facts", "reports.page", "reports.wandb"],
    ["reports"],
    ["bench.runs"],
    ["bench.checks.runs"],
    ["bench.commands"],
    ["bench.cli", "bench"],
    ["bench.__main__"],
]
"""From the ground up. A module belongs to the longest of these names that its own begins with; it may
import its own group and every lower layer, never a neighbour of the same layer."""

RANK = {group: rank for rank, groups in enumerate(LAYERS) for group in groups}
NO_TORCH = ("bench.config", "bench.stats", "bench.runs", "bench.commands", "bench.cli", "bench")
NO_TORCH += tuple(name for name in RANK if name.partition(".")[0] == "reports")
NOT_FOR_REPORTS = ("bench.pipeline", "bench.engine.scheduler")
KNOW_GOLD = ("gold", "bench.pipeline", "bench.checks.estimators", "bench.checks.runs")


def _modules() -> dict[str, Path]:
    paths = [path for package in ("bench", "gold", "reports") for path in (ROOT / package).rglob("*.py")]
    names = {path: path.relative_to(ROOT).with_suffix("").parts for path in paths}
    return {".".join(parts[:-1] if parts[-1] == "__init__" else parts): path for path, parts in names.items()}


MODULES = _modules()


def group(module: str) -> str:
    """The layer's entry that a module belongs to. `bench` itself stands for its `__init__` alone."""
    parts = module.split(".")
    names = [".".join(parts[:i]) for i in range(len(parts), 0, -1)]
    found = next((name for name in names if name in RANK and (name != "bench" or module == "bench")), None)
    assert found, f"{module} belongs to no layer; add it to LAYERS"
    return found


def imports(source: str) -> Iterator[str]:
    """What the import statements of a module's source name, as modules where they name one."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else str(node.module)


def wrong_arrows(module: str, source: str) -> list[str]:
    own = group(module)
    found = []
    for target in imports(source):
        if target.partition(".")[0] in ("bench", "gold", "reports"):
            other = group(target)
            if other != own and RANK[other] >= RANK[own]:
                found.append(f"{module} ({own}) imports {target} ({other})")
            if other == "gold" and own not in KNOW_GOLD:
                found.append(f"{module} imports gold")
            if target.startswith(NOT_FOR_REPORTS) and own.partition(".")[0] == "reports":
                found.append(f"{module} imports {target}; reports read run folders alone")
        if target.partition(".")[0] == "torch" and (own in NO_TORCH or own.startswith("reports.")):
            found.append(f"{module} imports torch")
    return found


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_point_down(module):
    assert wrong_arrows(module, MODULES[module].read_text()) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("bench.losses.ppo", "import gold.model"),
        ("bench.losses.ppo", "def f():\n    from bench.training.loop import Trainer"),
        ("bench.stats.curves", "import torch"),
        ("bench.core.types", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from bench.lm import model"),
        ("reports.read.load", "from bench import sweep"),
        ("reports.read.load", "from reports.draw.figure import Figure"),
        ("reports.analysis.values", "from reports.sections.registry import SECTIONS"),
        ("reports.sections.registry", "import torch"),
        ("reports.page.make", "from bench.pipeline.plan import Plan"),
        ("reports.facts.registry", "from bench.engine.scheduler import Scheduler"),
        ("bench.measure.evaluate", "from bench.training.loop import Trainer"),
    ],
)
def test_a_wrong_arrow_is_seen(module, source):
    assert len(wrong_arrows(module, source)) >= 1


@pytest.mark.parametrize(
    "module",
    [
        "bench",
        "bench.stats",
        "bench.cli",
        "bench.engine.local",
        "bench.engine.scheduler",
        *(f"bench.commands.{path.stem}" for path in sorted((ROOT / "bench" / "commands").glob("[!_]*.py"))),
        "bench.config.compose",
        "reports.page.make",
    ],
)
def test_the_parent_process_never_loads_torch(module):
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0

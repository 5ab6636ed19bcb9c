"""Goldbench measures how reward optimization goes wrong: gold against proxy, as KL to the reference grows.

from bench import load_run
load_run("runs/smoke-0123abcd").rows
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.runs.folder import Run, load_run

__all__ = ["Run", "load_run"]


def __getattr__(name: str) -> Any:
    """Load on first use, so that `bench --help` stays quick and a stage's code closure small."""
    if name in __all__:
        return getattr(importlib.import_module("bench.runs.folder"), name)
    raise AttributeError(f"module 'bench' has no attribute {name!r}")

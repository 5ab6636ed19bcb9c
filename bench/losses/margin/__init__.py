"""The f of f(beta * rho): one file a loss, the function named as its module."""

import importlib
from collections.abc import Callable

from torch import Tensor


def built_in(name: str) -> Callable[[Tensor], Tensor]:
    """The f of that name, loaded when it is used, so that a new one changes no other's code hash."""
    return getattr(importlib.import_module(f"bench.losses.margin.{name}"), name)

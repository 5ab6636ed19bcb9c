"""Loads the preference losses that users add, and tests each before use.

A stage's config holds the hash of the definition: a file that was edited since is refused, not run. The stage `train`
loads the losses of its method; `load` returns one by name for tests and checks. `bench.config.plugins` lists them.
"""

import hashlib
import importlib.util
import operator
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from bench.config.explain import one_line
from bench.config.plugins import FileLoss, LossDefinition, PackageLoss, added_losses, source
from bench.errors import ConfigError, did_you_mean
from bench.losses.preference import at_zero

Function = Callable[[Tensor], Tensor]


def verified_losses(wanted: Mapping[str, str], plugin: Path | None) -> dict[str, Function]:
    """The function of each name, whose definition must have the sha256 beside it. Raises ConfigError."""
    return {name: loaded(_definition(name, plugin), sha256) for name, sha256 in wanted.items()}


def load(name: str, plugin: Path | None = None) -> Function:
    """The function of that name in a plugin file, or in an installed package, as it is now. Raises ConfigError."""
    definition = _definition(name, plugin)
    return loaded(definition, definition.sha256())


def _definition(name: str, plugin: Path | None) -> LossDefinition:
    added = added_losses(plugin)
    if name not in added:
        choices = f"choose from {', '.join(added) or 'none'}{did_you_mean(name, added)}"
        raise ConfigError(f"unknown loss {name!r} in plugin={plugin} and in installed packages; {choices}")
    return added[name]


def loaded(definition: LossDefinition, sha256: str) -> Function:
    """The function of a definition that still has that hash. Raises ConfigError."""
    try:
        function = _of_file(definition, sha256) if isinstance(definition, FileLoss) else _of_package(definition, sha256)
    except ConfigError:
        raise
    except (Exception, SystemExit) as error:  # added code may raise anything while it is imported
        raise ConfigError(f"{definition} cannot be loaded: {_described(error)}") from error
    return checked(function, str(definition))


def _of_file(definition: FileLoss, sha256: str) -> Any:
    code = source(definition.path)  # hashed and run: the same bytes
    _demand_same(definition, hashlib.sha256(code).hexdigest(), sha256)
    return getattr(_module(definition.path, code), definition.name)


def _module(path: Path, code: bytes) -> ModuleType:
    """The module of a file, run anew each time, so that no cell finds what another one left in its globals.

    It has a name that no import statement can use.
    """
    module = ModuleType(f"goldbench plugin {hashlib.sha256(code).hexdigest()[:12]}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    exec(compile(code, str(path), "exec"), vars(module))
    return module


def _of_package(definition: PackageLoss, sha256: str) -> Any:
    _demand_same(definition, definition.sha256(), sha256)
    found = importlib.util.find_spec(definition.entry.module)
    if found is None or found.loader is None:
        raise ConfigError(f"{definition}: its module is not importable; install the package again")
    module = importlib.util.module_from_spec(found)  # run anew, like a file
    found.loader.exec_module(module)
    return operator.attrgetter(definition.entry.attr)(module)


def _demand_same(definition: LossDefinition, now: str, wanted: str) -> None:
    if now != wanted:
        raise ConfigError(f"{definition} changed after this run had begun; give the command again")


def checked(function: Any, who: str) -> Function:
    """Return `function` if it gives one loss a pair and falls at 0. Raises ConfigError that begins with `who`.

    These are the quick ones of the checks in `bench.checks.plugins.check_f`.
    """
    if not callable(function):
        raise ConfigError(f"{who} is a {type(function).__name__}; a loss is a function of one tensor")
    x = (torch.arange(-20, 21) / 10).requires_grad_()  # holds 0
    try:
        y = function(x)
        alone = function(x.detach()[:3])
    except Exception as error:  # as above
        raise ConfigError(f"{who} cannot take a tensor of {len(x)} numbers: {_described(error)}") from error
    shape = tuple(y.shape) if isinstance(y, Tensor) else type(y).__name__
    if shape != tuple(x.shape):
        raise ConfigError(f"{who} gives {shape} for {len(x)} numbers; a loss gives a tensor of as many")
    if not (y.requires_grad and y.isfinite().all()):
        what = "is not finite between -2 and 2" if y.requires_grad else "cuts the gradient: nothing could be learned"
        raise ConfigError(f"{who} {what}")
    if not (torch.equal(function(x.detach()), y.detach()) and torch.equal(function(x.detach()[:3]), alone)):
        raise ConfigError(f"{who} remembers: the same numbers have another loss when they come again; keep no state")
    if not torch.allclose(y[:3], alone):
        raise ConfigError(f"{who} gives a pair another loss when other pairs stand beside it")
    (slope,) = torch.autograd.grad(y.sum(), x)
    if not slope[20] < 0:
        raise ConfigError(f"{who} has the slope {slope[20]:.3g} at 0; it must fall there, or the rejected side gains")
    try:
        at_zero(function)
    except Exception as error:  # as above
        raise ConfigError(f"{who} cannot be differentiated twice in float64, at 0: {_described(error)}") from error
    return function


def _described(error: BaseException) -> str:
    return f"{type(error).__name__}: {one_line(error)}".removesuffix(": ")

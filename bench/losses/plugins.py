"""Preference losses that people bring, loaded where they are used and tried before they are trusted.

A stage's config says by hash which definition it wants: a file that was edited since is refused, not run. `cell` loads
what its method uses; `load` gives one by name to tests and checks. What there is, `bench.config.plugins` says.
"""

import hashlib
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from bench.config.explain import one_line
from bench.config.plugins import FileLoss, Offer, PackageLoss, offers, source
from bench.errors import ConfigError, did_you_mean
from bench.losses.preference import at_zero

Function = Callable[[Tensor], Tensor]


def own_losses(wanted: Mapping[str, str], plugin: Path | None) -> dict[str, Function]:
    """The function of each name, from what has the sha256 beside it. Raises ConfigError."""
    return {name: loaded(_offer(name, plugin), sha256) for name, sha256 in wanted.items()}


def load(name: str, plugin: Path | None = None) -> Function:
    """The function of that name in a plugin file, or in an installed package, as it is now. Raises ConfigError."""
    offer = _offer(name, plugin)
    return loaded(offer, offer.sha256())


def _offer(name: str, plugin: Path | None) -> Offer:
    offered = offers(plugin)
    if name not in offered:
        legal = f"legal: {', '.join(offered) or 'none'}{did_you_mean(name, offered)}"
        raise ConfigError(f"neither plugin={plugin} nor an installed package offers the loss {name!r}; {legal}")
    return offered[name]


def loaded(offer: Offer, sha256: str) -> Function:
    """The function that is offered, if what defines it still has that hash. Raises ConfigError."""
    try:
        function = _of_file(offer, sha256) if isinstance(offer, FileLoss) else _of_package(offer, sha256)
    except ConfigError:
        raise
    except (Exception, SystemExit) as error:  # what the code of others raises while it is imported is theirs to choose
        raise ConfigError(f"{offer} cannot be loaded: {_said(error)}") from error
    return checked(function, str(offer))


def _of_file(offer: FileLoss, sha256: str) -> Any:
    code = source(offer.path)  # hashed and run: the same bytes
    _demand_same(offer, hashlib.sha256(code).hexdigest(), sha256)
    return getattr(_module(offer.path, code), offer.name)


@cache
def _module(path: Path, code: bytes) -> ModuleType:
    """The module of a file, run once, under a name that no import statement can mean."""
    module = ModuleType(f"goldbench plugin {hashlib.sha256(code).hexdigest()[:12]}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    exec(compile(code, str(path), "exec"), vars(module))
    return module


def _of_package(offer: PackageLoss, sha256: str) -> Any:
    _demand_same(offer, offer.sha256(), sha256)
    return offer.entry.load()


def _demand_same(offer: Offer, now: str, wanted: str) -> None:
    if now != wanted:
        raise ConfigError(f"{offer} changed after this run had begun; give the command again")


def checked(function: Any, who: str) -> Function:
    """`function`, if it gives a loss a pair that falls at 0. Raises ConfigError that begins with `who`.

    The quick part of what `bench.checks.plugins.check_f` asks.
    """
    if not callable(function):
        raise ConfigError(f"{who} is a {type(function).__name__}; a loss is a function of one tensor")
    x = (torch.arange(-20, 21) / 10).requires_grad_()  # holds 0
    try:
        y = function(x)
        alone = function(x.detach()[:3])
    except Exception as error:  # as above
        raise ConfigError(f"{who} cannot take a tensor of {len(x)} numbers: {_said(error)}") from error
    shape = tuple(y.shape) if isinstance(y, Tensor) else type(y).__name__
    if shape != tuple(x.shape):
        raise ConfigError(f"{who} gives {shape} for {len(x)} numbers; a loss gives a tensor of as many")
    if not (y.requires_grad and y.isfinite().all()):
        what = "is not finite between -2 and 2" if y.requires_grad else "cuts the gradient: nothing could be learned"
        raise ConfigError(f"{who} {what}")
    if not torch.allclose(y[:3], alone):
        raise ConfigError(f"{who} gives a pair another loss when other pairs stand beside it")
    (slope,) = torch.autograd.grad(y.sum(), x)
    if not slope[20] < 0:
        raise ConfigError(f"{who} has the slope {slope[20]:.3g} at 0; it must fall there, or the rejected side gains")
    try:
        at_zero(function)
    except Exception as error:  # as above
        raise ConfigError(f"{who} cannot be differentiated twice in float64, at 0: {_said(error)}") from error
    return function


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {one_line(error)}".removesuffix(": ")

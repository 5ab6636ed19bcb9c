"""Parts that a suite can name: the built-in ones, and those that installed packages add by entry points.

A part is named `module:object`. Nothing is imported before it is used, and no stage's code imports this module, so a
new line here changes the key of no stored stage.
"""

import importlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import entry_points
from typing import Annotated, Any, Literal, Union

from pydantic import Field

from bench.errors import ConfigError, did_you_mean

Kind = Literal["methods", "losses", "worlds", "rewards"]

BUILT_IN: dict[Kind, dict[str, str]] = {
    "methods": {
        "ppo": "bench.methods.ppo:PPOConfig",
        "reinforce": "bench.methods.reinforce:ReinforceConfig",
        "preference": "bench.methods.preference:PreferenceConfig",
        "sft": "bench.methods.imitation:SFTMethodConfig",
        "best_of_n": "bench.methods.best_of_n:BestOfNConfig",
        "reference": "bench.methods.reference:ReferenceMethodConfig",
    },
    "losses": {
        "logistic": "bench.losses.margin.logistic:logistic",
        "squared": "bench.losses.margin.squared:squared",
        "hinge": "bench.losses.margin.hinge:hinge",
        "exponential": "bench.losses.margin.exponential:exponential",
        "truncated_quadratic": "bench.losses.margin.truncated_quadratic:truncated_quadratic",
        "savage": "bench.losses.margin.savage:savage",
    },
    "worlds": {"notes": "bench.worlds.notes.config:NotesConfig"},
    "rewards": {"bradley_terry": "bench.rewards.config:BradleyTerryConfig"},
}
"""By kind and by the name that a configuration uses."""

BUILT_IN_LOSSES = tuple(BUILT_IN["losses"])


@cache
def parts(kind: Kind) -> Mapping[str, str]:
    """Every part of a kind: built-in ones, then those of the entry point group `goldbench.<kind>`.

    Losses of packages are left out: `bench.config.plugins` lists them with a hash of their code.
    Raises ConfigError where a package's name is taken.
    """
    found = dict(BUILT_IN[kind])
    for entry in () if kind == "losses" else sorted(entry_points(group=f"goldbench.{kind}"), key=lambda e: e.name):
        if entry.name in found:
            raise ConfigError(
                f"entry point {entry.value!r}: the name {entry.name!r} in goldbench.{kind} is taken by "
                f"{found[entry.name]!r}; rename it, or uninstall one of the two"
            )
        found[entry.name] = entry.value
    return found


def part(kind: Kind, name: str) -> str:
    """`module:object` of a part. Raises ConfigError for an unknown name."""
    known = parts(kind)
    if name not in known:
        raise ConfigError(
            f"unknown {kind.removesuffix('s')} type {name!r}; choose from {', '.join(known)}{did_you_mean(name, known)}"
        )
    return known[name]


def load(target: str) -> Any:
    """The object at `module:object`. Raises ConfigError where there is none."""
    module, _, attribute = target.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"{target!r} cannot be imported ({error}); reinstall the package that registers it"
        ) from error


def union_of(classes: Sequence[type[Any]]) -> Any:
    """A field type that takes any of these, discriminated by `type`."""
    return Annotated[Union[tuple(classes)], Field(discriminator="type")] if len(classes) > 1 else classes[0]  # noqa: UP007


def registered(kind: Kind) -> list[Any]:
    """The configuration class of every part of a kind: built-in ones and those of installed packages."""
    return [load(target) for target in parts(kind).values()]

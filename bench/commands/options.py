"""Command lines that take folders and a few settings: `RUN share=.05 seed=0`.

Suites have `bench.config.compose`; this is for the commands that read what a run left.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from bench.config.base import Config
from bench.config.explain import one_line, validated
from bench.errors import ConfigError

C = TypeVar("C", bound=Config)


class PluginOptions(Config):
    """Of the commands that only want to know where losses are brought from."""

    plugin: Path | None = None


def split_words(words: Sequence[str], model: type[C]) -> tuple[list[str], C]:
    """The words that are places, and `key=value` settings as a `model`. Raises ConfigError."""
    if dashed := [word for word in words if word.startswith("-")]:
        raise ConfigError(f"unknown option {dashed[0]!r}; settings are written key=value, as in seed=1")
    given = [word for word in words if "=" in word]
    try:
        values = OmegaConf.to_container(OmegaConf.from_dotlist(given), resolve=True)
    except (yaml.YAMLError, OmegaConfBaseException) as error:
        raise ConfigError(f"{' '.join(given)!r} does not read as key=value: {one_line(error)}") from None
    assert isinstance(values, dict)
    return [word for word in words if "=" not in word], validated(model, {str(k): v for k, v in values.items()})


def one_place(places: Sequence[str], usage: str) -> str:
    """The single place of a command that takes one."""
    if len(places) != 1:
        given = f"{len(places)} runs ({', '.join(places)})" if places else "no run"
        raise ConfigError(f"{given} given; legal: {usage}")
    return places[0]

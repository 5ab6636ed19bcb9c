"""The grammar of every command line: Hydra's overrides, `key=value`.

`compose` applies overrides to a suite; `bench.commands.options` reads the settings of all other commands with it.
"""

from collections.abc import Iterable

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from bench.config.explain import one_line
from bench.errors import ConfigError


def parse_overrides(texts: Iterable[str]) -> list[Override]:
    """Parse the overrides one by one, so that an error can name the wrong one. Raises ConfigError."""
    parser = OverridesParser.create()
    overrides = []
    for text in texts:
        try:
            override = parser.parse_override(text)
        except HydraException as error:
            reason = one_line(error).partition(" See https://")[0]
            raise ConfigError(f"cannot parse {text!r} as key=value ({reason}); quote special characters") from None
        if override.is_sweep_override():
            listed = f"{override.key_or_group}=[{text.partition('=')[2]}]"
            raise ConfigError(f"{text!r} has several values for one key; write a list: '{listed}'")
        overrides.append(override)
    return overrides

"""The settings shared by the commands that take a suite: `run` and `plan`."""

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from bench.commands.options import JsonOptions, split_flags
from bench.config.base import Config
from bench.config.compose import compose
from bench.config.suite import RuntimeConfig, SuiteConfig

_NOT_SET_BY_HAND = ("name", "scale", "losses")


class SuiteOptions(JsonOptions):
    """Base of the options of `run` and `plan`. `bench.config.compose` reads the words."""

    sections: ClassVar[tuple[tuple[str, type[Config]], ...]] = (("Where and how it runs", RuntimeConfig),)
    epilogue: ClassVar[str] = (
        "Every key of the suite can be set, nested ones with dots: "
        + ", ".join(name for name in SuiteConfig.model_fields if name not in _NOT_SET_BY_HAND)
        + ". The grammar is Hydra's: lists [a,b], new keys +key=value, special characters in quotes."
    )

    suite: str = Field(
        description="an installed suite or the path of a YAML or JSON file; the word alone is enough",
        json_schema_extra={"metavar": "NAME"},
    )
    scale: str | None = Field(
        default=None,
        description="one of the sizes that the suite comes in (bench ls suites); the first by default",
        json_schema_extra={"metavar": "NAME"},
    )


def read_suite(words: Sequence[str], model: type[SuiteOptions]) -> tuple[SuiteConfig, RuntimeConfig, list[str], bool]:
    """The suite and runtime configs of a command line, its words without flags, and whether --json is among them."""
    rest, flags = split_flags(words, model)
    return (*compose(rest), rest, bool(flags.get("json_lines")))

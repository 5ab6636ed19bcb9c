"""The settings of a command: one pydantic class each, which reads the command line and from which its help is made.

    class GcOptions(Options):
        '''List the stored stages.'''            the summary in `bench gc --help`

        example = ("bench gc delete=true",)
        delete: bool = Field(default=False, description="remove what no run uses")

Words are places (`runs/smoke-0123abcd`), `key=value` settings in the grammar of `bench run`, and flags (`--json`).
"""

import inspect
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import NoneType
from typing import Any, ClassVar, Literal, TypeVar, get_args, get_origin

from pydantic import Field
from pydantic.fields import FieldInfo

from bench.config.base import Config
from bench.config.explain import validated
from bench.config.grammar import parse_overrides
from bench.errors import ConfigError, did_you_mean

WIDTH = 110  # columns of help
_METAVARS: dict[Any, str] = {Path: "PATH", int: "N", float: "NUMBER", str: "TEXT", bool: "true|false"}

C = TypeVar("C", bound="Options")


class Options(Config):
    """Base of all options. `sections` are further configs whose fields the command takes, each under a title."""

    example: ClassVar[tuple[str, ...]]
    sections: ClassVar[tuple[tuple[str, type[Config]], ...]] = ()
    epilogue: ClassVar[str] = ""


class JsonOptions(Options):
    """Options of a command that can also speak to programs."""

    json_lines: bool = Field(
        default=False,
        description="one JSON object a line on standard output; text for people goes to standard error",
        json_schema_extra={"flag": "--json"},
    )


def parse(words: Sequence[str], model: type[C]) -> tuple[list[str], C]:
    """The places among the words, and the settings and flags as a `model`. Raises ConfigError."""
    rest, flags = split_flags(words, model)
    settings: dict[str, Any] = {}
    for override in parse_overrides(word for word in rest if "=" in word):
        if override.is_add() or override.is_force_add() or override.is_delete():
            raise ConfigError(f"{override.input_line!r} adds or removes a key; write key=value")
        settings[override.key_or_group] = override.value()
    return [word for word in rest if "=" not in word], validated(model, {**settings, **flags})


def split_flags(words: Sequence[str], model: type[Options]) -> tuple[list[str], dict[str, bool]]:
    """The other words, and the fields whose flags are among the words. Raises ConfigError for an unknown flag."""
    known = {_extra(field)["flag"]: name for name, field in model.model_fields.items() if "flag" in _extra(field)}
    dashed = [word for word in words if word.startswith("-")]
    if unknown := [word for word in dashed if word not in known]:
        hint = did_you_mean(unknown[0], known)
        raise ConfigError(f"unknown option {unknown[0]!r}; write settings as key=value, for example seed=1{hint}")
    return [word for word in words if word not in dashed], {known[word]: True for word in dashed}


def one_place(places: Sequence[str], command: str) -> str:
    """The single place of a command that takes one. Raises ConfigError."""
    if len(places) != 1:
        found = f"{len(places)} runs ({', '.join(places)})" if places else "no run"
        raise ConfigError(f"{found} on the command line; name one run folder: bench {command} RUN [key=value ...]")
    return places[0]


def help_text(usage: str, model: type[Options]) -> str:
    """The help of a command: usage, summary, every setting with its default, an example."""
    summary = [textwrap.fill(text, WIDTH) for text in inspect.cleandoc(model.__doc__ or "").split("\n\n")]
    tables = [("", model), *model.sections]
    settings = [f"{title}:\n{_table(config)}" if title else _table(config) for title, config in tables]
    epilogue = [textwrap.fill(model.epilogue, WIDTH)] if model.epilogue else []
    examples = "\n".join(["Example:" if len(model.example) == 1 else "Examples:", *(f"  {e}" for e in model.example)])
    return "\n\n".join(filter(None, [f"bench {usage}", *summary, *settings, *epilogue, examples])) + "\n"


def _table(model: type[Config]) -> str:
    """One line a setting: how to write it, what it does, its default."""
    rows = list(_rows(model))
    indent = 4 + max((len(left) for left, _ in rows), default=0)
    blank = " " * indent
    return "\n".join(
        textwrap.fill(text, WIDTH, initial_indent=f"  {left:<{indent - 2}}", subsequent_indent=blank)
        for left, text in rows
    )


def _rows(model: type[Config]) -> Iterator[tuple[str, str]]:
    for name, field in model.model_fields.items():
        flag = _extra(field).get("flag")
        written = flag or f"{name}={_extra(field).get('metavar') or _metavar(field.annotation)}"
        text = field.description or name
        if not flag and not field.is_required() and field.default not in (None, ""):
            default = str(field.default).lower() if isinstance(field.default, bool) else field.default
            text += f" (default {default})"
        yield str(written), text


def _metavar(annotation: Any) -> str:
    """The values of a type, or a placeholder for them."""
    if get_origin(annotation) is Literal:
        return "|".join(map(str, get_args(annotation)))
    inner = [kind for kind in get_args(annotation) if kind is not NoneType]
    return _metavar(inner[0]) if inner else _METAVARS.get(annotation, "VALUE")


def _extra(field: FieldInfo) -> dict[str, Any]:
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}

"""A pydantic error as one line: the dotted key, the value, what is legal, what was probably meant.

Only the first of several errors is told. `load` and `compose` raise it as a ConfigError.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError

from bench.config.base import Config
from bench.errors import ConfigError, did_you_mean

C = TypeVar("C", bound=Config)


def validated(model: type[C], data: Mapping[str, Any], prefix: str = "") -> C:
    """The config that `data` describes. Raises ConfigError on one line that begins with `prefix`."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ConfigError(prefix + explain(error, model)) from None


def one_line(error: BaseException) -> str:
    """The message of a foreign error without its line breaks."""
    return " ".join(str(error).split())


def explain(error: ValidationError, model: type[Config]) -> str:
    """One line for the first error that pydantic found."""
    first = error.errors()[0]
    kind, value, message = first["type"], first["input"], first["msg"]
    schema = model.model_json_schema()
    key, legal = _locate(schema, first["loc"])
    above = key.rpartition(".")[0]
    if kind == "extra_forbidden":
        wrong = str(first["loc"][-1])
        where = f" under {above!r}" if above else ""
        return f"unknown key {key!r}; legal{where}: {', '.join(legal)}{did_you_mean(wrong, legal)}"
    if kind == "value_error":
        return f"{key}: {message.removeprefix('Value error, ')}".removeprefix(": ")
    if kind == "union_tag_invalid":
        tag, tags = str(first["ctx"]["tag"]), str(first["ctx"]["expected_tags"])
        names = [name.strip("'") for name in tags.split(", ")]
        return f"{key}.type: {tag!r} is unknown; legal: {', '.join(names)}{did_you_mean(tag, names)}"
    if kind == "union_tag_not_found":
        return f"{key}: says no type; legal for {key}.type: {', '.join(legal)}"
    if kind == "missing":
        return f"{key}: is missing; give it a value"
    return f"{key}: {value!r} is not legal: {message[:1].lower()}{message[1:]}"


def _locate(schema: Mapping[str, Any], loc: Sequence[str | int]) -> tuple[str, list[str]]:
    """The dotted key of a pydantic location, its union tags dropped, and the keys (or tags) legal beside or in it."""
    node: Mapping[str, Any] = schema
    words: list[str] = []
    legal: list[str] = []
    for part in loc:
        node = _resolved(schema, node)
        tags = node.get("discriminator", {}).get("mapping", {})
        if part in tags:
            node = {"$ref": tags[part]}
            continue
        legal = list(node.get("properties", {}))
        words.append(str(part))
        inner = node.get("items") if isinstance(part, int) else node.get("properties", {}).get(part)
        node = inner or node.get("additionalProperties") or {}
    tags = node.get("discriminator", {}).get("mapping", {}) if node else {}
    return ".".join(words), list(tags) or legal


def _resolved(schema: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    return schema["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node

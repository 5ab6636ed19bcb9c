"""Pydantic errors as one line: the dotted key, the value, the valid choices and a spelling hint.

Only the first of several errors is reported. `load` and `compose` raise it as a ConfigError.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError

from bench.config.base import Config
from bench.errors import ConfigError, did_you_mean

C = TypeVar("C", bound=Config)


def validated(model: type[C], data: Mapping[str, Any], prefix: str = "") -> C:
    """Build the config that `data` describes. Raises a one-line ConfigError that begins with `prefix`."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ConfigError(prefix + explain(error, model)) from None


def one_line(error: BaseException) -> str:
    """The message of a third-party error without line breaks."""
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
        where = f"under {above!r} " if above else ""
        return f"unknown key {key!r}; {where}choose from {', '.join(legal)}{did_you_mean(wrong, legal)}"
    if kind == "value_error":
        return f"{key}: {message.removeprefix('Value error, ')}".removeprefix(": ")
    if kind == "union_tag_invalid":
        tag, tags = str(first["ctx"]["tag"]), str(first["ctx"]["expected_tags"])
        names = [name.strip("'") for name in tags.split(", ")]
        return f"{key}.type: unknown type {tag!r}; choose from {', '.join(names)}{did_you_mean(tag, names)}"
    if kind == "union_tag_not_found":
        return f"{key}: missing type; set {key}.type to one of {', '.join(legal)}"
    if kind == "missing":
        return f"{key}: missing value; set it"
    return f"{key}: invalid value {value!r}: {message[:1].lower()}{message[1:]}"


def _locate(schema: Mapping[str, Any], loc: Sequence[str | int]) -> tuple[str, list[str]]:
    """The dotted key of a pydantic location without union tags, and the keys (or tags) that are valid there."""
    node: Mapping[str, Any] = schema
    parts: list[str] = []
    legal: list[str] = []
    for part in loc:
        node = _resolved(schema, node)
        tags = node.get("discriminator", {}).get("mapping", {})
        if part in tags:
            node = {"$ref": tags[part]}
            continue
        legal = list(node.get("properties", {}))
        parts.append(str(part))
        inner = node.get("items") if isinstance(part, int) else node.get("properties", {}).get(part)
        node = inner or node.get("additionalProperties") or {}
    tags = node.get("discriminator", {}).get("mapping", {}) if node else {}
    return ".".join(parts), list(tags) or legal


def _resolved(schema: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    return schema["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node

"""Scales: the sizes that one suite comes in, each an overlay over the rest of its file.

    scales:
      small: {}
      full: {replicates: 8, sft: {steps: 2000}}

The first is the default, `scale=NAME` picks another. `load` merges what `picked` says.
"""

import re
from collections.abc import Mapping
from typing import Any

from bench.config.suite import NAME
from bench.errors import ConfigError, did_you_mean

Overlay = dict[Any, Any]


def overlays(raw: Mapping[Any, Any]) -> dict[str, Overlay]:
    """The overlays that a suite's file lists, by name; none where it lists none. Raises ConfigError."""
    if "scales" not in raw:
        return {}
    scales = raw["scales"]
    if not isinstance(scales, dict) or not scales:
        raise ConfigError("scales: must map names to overlays, as in scales: {small: {}, full: {replicates: 8}}")
    for name, overlay in scales.items():
        if not isinstance(name, str) or not re.fullmatch(NAME, name):
            raise ConfigError(f"scales: {name!r} is no name; legal: letters, digits, '.', '_' and '-'")
        if not isinstance(overlay, dict | None):
            raise ConfigError(f"scales.{name}: {overlay!r} is not legal: a scale maps keys to values")
        if "scale" in raw or "scale" in (overlay or {}):
            raise ConfigError("scale: is given on the command line; the first under 'scales' is the default")
    return {name: overlay or {} for name, overlay in scales.items()}


def picked(raw: Mapping[Any, Any], scale: str | None) -> Overlay:
    """The overlay of the scale asked for, or of the default, with its name in it. Raises ConfigError.

    A run's config.json has its scale in it: it comes in no other.
    """
    scales = overlays(raw)
    legal = list(scales) or [str(name) for name in (raw.get("scale"),) if name]
    if scale is not None and not legal:
        raise ConfigError(f"scale={scale}: this suite comes in one size; leave scale= out")
    if scale is not None and scale not in legal:
        raise ConfigError(f"unknown scale {scale!r}; legal: {', '.join(legal)}{did_you_mean(scale, legal)}")
    if not scales:
        return {}
    name = legal[0] if scale is None else scale
    return {**scales[name], "scale": name}

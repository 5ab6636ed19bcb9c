"""Scales: the sizes of one suite, each an overlay on the rest of its file.

    scales:
      small: {}
      full: {replicates: 8, sft: {steps: 2000}}

The first is the default; `scale=NAME` selects another. `load` merges the overlay that `picked` returns.
"""

import re
from collections.abc import Mapping
from typing import Any

from bench.config.suite import NAME
from bench.errors import ConfigError, did_you_mean

Overlay = dict[Any, Any]


def overlays(raw: Mapping[Any, Any]) -> dict[str, Overlay]:
    """The overlays in a suite's file, by name. Empty if the file has no scales. Raises ConfigError."""
    if "scales" not in raw:
        return {}
    scales = raw["scales"]
    if not isinstance(scales, dict) or not scales:
        raise ConfigError("scales: must map names to overlays, for example scales: {small: {}, full: {replicates: 8}}")
    for name, overlay in scales.items():
        if not isinstance(name, str) or not re.fullmatch(NAME, name):
            raise ConfigError(f"scales: invalid name {name!r}; use letters, digits, '.', '_' and '-'")
        if not isinstance(overlay, dict | None):
            raise ConfigError(f"scales.{name}: invalid value {overlay!r}; write a mapping of keys to values")
        if "scale" in raw or "scale" in (overlay or {}):
            raise ConfigError("scale: set it on the command line; the first entry of 'scales' is the default")
    return {name: overlay or {} for name, overlay in scales.items()}


def picked(raw: Mapping[Any, Any], scale: str | None) -> Overlay:
    """The overlay of the requested or default scale, with the scale's name as a key. Raises ConfigError.

    A run's config.json records its scale and allows no other.
    """
    scales = overlays(raw)
    legal = list(scales) or [str(name) for name in (raw.get("scale"),) if name]
    if scale is not None and not legal:
        raise ConfigError(f"scale={scale}: this suite has one size; leave scale= out")
    if scale is not None and scale not in legal:
        raise ConfigError(f"unknown scale {scale!r}; choose from {', '.join(legal)}{did_you_mean(scale, legal)}")
    if not scales:
        return {}
    name = legal[0] if scale is None else scale
    return {**scales[name], "scale": name}

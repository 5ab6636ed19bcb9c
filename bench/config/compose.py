"""From a command line to validated configs, with Hydra's compose API and override grammar.

Precedence, lowest first: class defaults, the suite's YAML, its scale, the command line. Every mistake raises a
ConfigError of one line. Left out: Hydra's config groups, sweeps and working folders. `cli` calls it.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra import compose as hydra_compose
from hydra import initialize
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from bench.config.explain import one_line, validated
from bench.config.grammar import parse_overrides
from bench.config.load import load_suite, suite_names
from bench.config.losses import settled
from bench.config.suite import RuntimeConfig, SuiteConfig
from bench.errors import ConfigError, did_you_mean

_NOT_SETTABLE = {
    "scale": "select one of the suite's scales with scale=NAME",
    "losses": "the run fills it in; name a loss with method.NAME.f=LOSS and plugin=FILE.py",
}
"""Keys that an override cannot set, with the alternative."""


def compose(argv: Sequence[str]) -> tuple[SuiteConfig, RuntimeConfig]:
    """The suite and runtime configs of a command line such as `suite=overopt scale=full replicates=9`.

    `store` and `out` are filled in. Raises ConfigError on any invalid word.
    """
    named, scale, texts = _split_suite(argv)
    overrides = parse_overrides(texts)
    typed = [override for override in overrides if override.key_or_group.endswith(".type")]
    rest = [override for override in overrides if override not in typed]
    suite = _retyped(load_suite(named, scale), typed)
    defaults = {**suite.model_dump(mode="json"), **RuntimeConfig().model_dump(mode="json")}
    for override in rest:
        _check_key(override, defaults)
    values = _wrapped(_hydra(defaults, [str(override.input_line) for override in rest]), defaults)
    runtime = validated(RuntimeConfig, {key: values.pop(key) for key in RuntimeConfig.model_fields if key in values})
    suite = settled(validated(SuiteConfig, values), runtime.plugin)
    return suite, runtime.model_copy(update=_places(suite, runtime))


def run_key(suite: SuiteConfig) -> str:
    """Hash of the resolved suite: 8 hex digits, the suffix of its run folder's name."""
    return values_key(suite.model_dump(mode="json"))


def values_key(values: Mapping[str, Any]) -> str:
    """`run_key` from a run folder's config.json."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:8]


def _places(suite: SuiteConfig, runtime: RuntimeConfig) -> dict[str, Path]:
    store = runtime.store or Path(os.environ.get("GOLDBENCH_STORE") or ".goldbench")
    out = runtime.out or Path("runs") / f"{suite.name}-{run_key(suite)}"
    return {"store": store.expanduser(), "out": out.expanduser()}


def _split_suite(argv: Sequence[str]) -> tuple[str, str | None, list[str]]:
    """Split off the suite (`suite=X` or a bare word) and the scale (None if absent); the rest are overrides."""
    if options := [text for text in argv if text.startswith("-")]:
        raise ConfigError(f"unknown option {options[0]!r}; write settings as key=value, for example workers=2")
    bare = [text for text in argv if "=" not in text and not text.startswith("~")]
    suites = [*_values(argv, "suite"), *bare]
    if len(suites) != 1:
        found = f"{len(suites)} suites ({', '.join(suites)})" if suites else "no suite"
        raise ConfigError(
            f"{found} on the command line; name one with suite=NAME; choose from {', '.join(suite_names())}, or a path"
        )
    if len(scales := _values(argv, "scale")) > 1:
        raise ConfigError(f"{len(scales)} scales ({', '.join(scales)}) on the command line; name one")
    rest = [text for text in argv if text not in bare and not text.startswith(("suite=", "scale="))]
    return suites[0], scales[0] if scales else None, rest


def _values(argv: Sequence[str], key: str) -> list[str]:
    """The values of all `key=value` words with this key. Hydra never sees these words."""
    return [text.removeprefix(f"{key}=").strip("'\"") for text in argv if text.startswith(f"{key}=")]


def _check_key(override: Override, known: Mapping[str, Any]) -> None:
    """Raise ConfigError unless every part of the key exists. `+key=value` may add the last part."""
    key = override.key_or_group
    if instead := _NOT_SETTABLE.get(key.partition(".")[0]):
        raise ConfigError(f"cannot apply {override.input_line!r}; {instead}")
    above, _, last = key.rpartition(".")
    node: Any = known
    for part in above.split(".") if above else []:
        node = _child(node, part, key)
    if not (override.is_add() or override.is_force_add()):
        _child(node, last, key)


def _child(node: Any, part: str, key: str) -> Any:
    keys = list(node) if isinstance(node, dict) else []
    if part not in keys:
        choices = f"choose from {', '.join(keys)}" if keys else f"the value before {part!r} has no keys"
        wrong = repr(key) if key == part else f"{key!r}: no {part!r}"
        raise ConfigError(f"unknown key {wrong}; {choices}{did_you_mean(part, keys)}")
    return node[part]


def _retyped(suite: SuiteConfig, typed: Iterable[Override]) -> SuiteConfig:
    """Apply `X.type=...` before all other overrides. X then starts from the new type's defaults."""
    data = suite.model_dump(mode="json")
    for override in typed:
        key = override.key_or_group
        *above, last, _ = key.split(".")
        node: Any = data
        for part in above:
            node = _child(node, part, key)
        old = {} if override.is_add() else _child(_child(node, last, key), "type", key)
        if old != override.value():
            node[last] = {"type": override.value()}
    return validated(SuiteConfig, data)


def _hydra(defaults: dict[str, Any], overrides: list[str]) -> dict[str, Any]:
    """Apply `overrides` to `defaults` with Hydra."""
    GlobalHydra.instance().clear()
    ConfigStore.instance().store(name="goldbench", node=defaults)
    try:
        with initialize(version_base=None, config_path=None):
            values = OmegaConf.to_container(hydra_compose("goldbench", overrides=overrides), resolve=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(f"cannot apply {' '.join(overrides)!r}: {one_line(error)}") from None
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()}


def _wrapped(value: Any, default: Any) -> Any:
    """Wrap a scalar in a list where the default is a list: `beta=.1` means `beta=[.1]`."""
    if isinstance(default, dict) and isinstance(value, dict):
        return {key: _wrapped(inner, default.get(key)) for key, inner in value.items()}
    return [value] if isinstance(default, list) and isinstance(value, int | float | str) else value

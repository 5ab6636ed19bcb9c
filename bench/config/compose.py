"""From a command line to validated configs: Hydra's compose API and override grammar, in this one module.

Precedence: class defaults, the suite's YAML, its scale, the command line. Whatever is wrong becomes a
ConfigError of one line. Config groups, sweeps and Hydra's working folders are left out. `cli` calls it.
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
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from bench.config.explain import one_line, validated
from bench.config.load import load_suite, suite_names
from bench.config.losses import settled
from bench.config.suite import RuntimeConfig, SuiteConfig
from bench.errors import ConfigError, did_you_mean

_TOLD = {
    "scale": "one of a suite's scales is picked by scale=NAME",
    "losses": "the run fills it in; name a loss as method.NAME.f=LOSS and give plugin=FILE.py",
}
"""Keys that are no settings, and what to do instead."""


def compose(argv: Sequence[str]) -> tuple[SuiteConfig, RuntimeConfig]:
    """The suite and the runtime keys that a command line such as `suite=overopt scale=full replicates=9` asks for.

    `store` and `out` are filled in. Raises ConfigError for anything that is not legal.
    """
    named, scale, texts = _split_suite(argv)
    overrides = _parsed(texts)
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
    """8 hex digits over the resolved suite, the end of its run folder's name."""
    text = json.dumps(suite.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _places(suite: SuiteConfig, runtime: RuntimeConfig) -> dict[str, Path]:
    store = runtime.store or Path(os.environ.get("GOLDBENCH_STORE") or ".goldbench")
    out = runtime.out or Path("runs") / f"{suite.name}-{run_key(suite)}"
    return {"store": store.expanduser(), "out": out.expanduser()}


def _split_suite(argv: Sequence[str]) -> tuple[str, str | None, list[str]]:
    """The suite asked for, as `suite=X` or as a bare word, its scale if one was, and the overrides."""
    if options := [text for text in argv if text.startswith("-")]:
        raise ConfigError(f"unknown option {options[0]!r}; settings are written key=value, as in workers=2")
    bare = [text for text in argv if "=" not in text and not text.startswith("~")]
    asked = [*_given(argv, "suite"), *bare]
    if len(asked) != 1:
        given = f"{len(asked)} suites ({', '.join(asked)})" if asked else "no suite"
        raise ConfigError(f"{given} asked for; give one as suite=NAME; legal: {', '.join(suite_names())}, or a path")
    if len(scales := _given(argv, "scale")) > 1:
        raise ConfigError(f"{len(scales)} scales ({', '.join(scales)}) asked for; a run has one")
    rest = [text for text in argv if text not in bare and not text.startswith(("suite=", "scale="))]
    return asked[0], scales[0] if scales else None, rest


def _given(argv: Sequence[str], key: str) -> list[str]:
    """The values of `key=value` words that are read before Hydra reads the others."""
    return [text.removeprefix(f"{key}=").strip("'\"") for text in argv if text.startswith(f"{key}=")]


def _parsed(texts: Iterable[str]) -> list[Override]:
    """The overrides, each parsed by itself so that an error can name it."""
    parser = OverridesParser.create()
    overrides = []
    for text in texts:
        try:
            override = parser.parse_override(text)
        except HydraException as error:
            reason = one_line(error).partition(" See https://")[0]
            raise ConfigError(f"{text!r} does not read as key=value ({reason}); quote what is special") from None
        if override.is_sweep_override():
            listed = f"{override.key_or_group}=[{text.partition('=')[2]}]"
            raise ConfigError(f"{text!r} gives one key several values; write them as a list: '{listed}'")
        overrides.append(override)
    return overrides


def _check_key(override: Override, known: Mapping[str, Any]) -> None:
    """Every part of the key must exist; the last need not where the override adds (`+key=value`)."""
    key = override.key_or_group
    if told := _TOLD.get(key.partition(".")[0]):
        raise ConfigError(f"{override.input_line!r} cannot be applied; {told}")
    above, _, last = key.rpartition(".")
    node: Any = known
    for part in above.split(".") if above else []:
        node = _child(node, part, key)
    if not (override.is_add() or override.is_force_add()):
        _child(node, last, key)


def _child(node: Any, part: str, key: str) -> Any:
    keys = list(node) if isinstance(node, dict) else []
    if part not in keys:
        legal = f"legal there: {', '.join(keys)}" if keys else f"nothing lies under the value before {part!r}"
        wrong = repr(key) if key == part else f"{key!r}: no {part!r}"
        raise ConfigError(f"unknown key {wrong}; {legal}{did_you_mean(part, keys)}")
    return node[part]


def _retyped(suite: SuiteConfig, typed: Iterable[Override]) -> SuiteConfig:
    """`X.type=...` comes first: another type has other keys, so X starts from that type's defaults."""
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
    """Hydra's result of `overrides` on a config in which every key exists."""
    GlobalHydra.instance().clear()
    ConfigStore.instance().store(name="goldbench", node=defaults)
    try:
        with initialize(version_base=None, config_path=None):
            values = OmegaConf.to_container(hydra_compose("goldbench", overrides=overrides), resolve=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(f"{' '.join(overrides)!r} cannot be applied: {one_line(error)}") from None
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()}


def _wrapped(value: Any, default: Any) -> Any:
    """A single value where a list stood becomes a list of one: `beta=.1` is `beta=[.1]`."""
    if isinstance(default, dict) and isinstance(value, dict):
        return {key: _wrapped(inner, default.get(key)) for key, inner in value.items()}
    return [value] if isinstance(default, list) and isinstance(value, int | float | str) else value

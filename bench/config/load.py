"""Loading of suites: installed ones by name, others by path, merged over the class defaults.

`compose` adds the command line; `cli` lists the names.
"""

from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from bench.config.explain import one_line, validated
from bench.config.scales import overlays, picked
from bench.config.suite import RuntimeConfig, SuiteConfig
from bench.errors import ConfigError, did_you_mean

OmegaConf.clear_resolver("oc.env")  # environment variables may hold secrets, and configs are stored

_FILES = (".yaml", ".yml", ".json")
SUITES = Path(__file__).parents[2] / "suites"  # beside this package: `import suites` may find a folder of the user's


def suite_names() -> list[str]:
    """Names of the installed suites."""
    return sorted(path.stem for path in SUITES.glob("*.yaml"))


def load_suite(name_or_path: str, scale: str | None = None) -> SuiteConfig:
    """Load a suite by name or file, at a scale (by default its first). Raises ConfigError."""
    path = _path(name_or_path)
    raw = _read(path)
    try:
        overlay = picked(raw, scale)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    suite = {"name": path.stem, **{key: value for key, value in raw.items() if key != "scales"}}
    where = f"{path}, scale {overlay['scale']}" if overlay else str(path)
    if misplaced := [key for key in RuntimeConfig.model_fields if key in suite or key in overlay]:
        raise ConfigError(f"{where}: {misplaced[0]!r} is a runtime setting; set it on the command line instead")
    if "losses" in {*suite, *overlay} and path.suffix != ".json":
        raise ConfigError(f"{where}: 'losses' is filled in by a run; use method.NAME.f=LOSS and plugin=FILE.py instead")
    return validated(SuiteConfig, _merged(_merged(_defaults(), suite), overlay), f"{where}: ")


def scale_names(name_or_path: str) -> list[str]:
    """The scales of a suite, its default first. Empty for a suite of one size."""
    return list(overlays(_read(_path(name_or_path))))


def _read(path: Path) -> dict[Any, Any]:
    try:
        raw = OmegaConf.to_container(OmegaConf.load(path), resolve=True)
    except (yaml.YAMLError, OmegaConfBaseException, OSError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: cannot be read as YAML or JSON: {one_line(error)}") from None
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: contains a {type(raw).__name__}; write a mapping of keys to values")
    return raw


def _defaults() -> dict[str, Any]:
    return SuiteConfig(name="defaults").model_dump(mode="json")


def _path(name_or_path: str) -> Path:
    path = Path(name_or_path).expanduser()
    if path.suffix in _FILES:
        if not path.is_file():
            raise ConfigError(f"suite file {name_or_path!r} does not exist; name an existing YAML or JSON file")
        return path
    names = suite_names()
    if name_or_path not in names:
        raise ConfigError(
            f"unknown suite {name_or_path!r}; choose from {', '.join(names)}, or the path of a .yaml or .json file"
            + did_you_mean(name_or_path, names)
        )
    return SUITES / f"{name_or_path}.yaml"


def _merged(default: dict[str, Any], raw: dict[Any, Any]) -> dict[str, Any]:
    """Merge `raw` into `default` recursively. A mapping of another `type` replaces the default entirely."""
    merged = dict(default)
    for key, value in raw.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict) and value.get("type", old.get("type")) == old.get("type"):
            merged[key] = _merged(old, value)
        else:
            merged[key] = value
    return merged

"""`bench ls`: lists suites, worlds, golds, methods with their losses, and finished runs."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, get_args

from pydantic import Field

from bench.commands.json_lines import json_output
from bench.commands.options import JsonOptions, parse
from bench.config.base import Config
from bench.config.load import load_suite, scale_names, suite_names
from bench.config.models import GoldConfig
from bench.config.plugins import added_losses, functions
from bench.config.registry import BUILT_IN_LOSSES, registered
from bench.engine.files import read_json
from bench.errors import ConfigError, did_you_mean


class LsOptions(JsonOptions):
    """List the installed suites, worlds, golds and methods, and the run folders under runs/: all of them, or some.

    With --json: one record for each entry.
    """

    example: ClassVar[tuple[str, ...]] = ("bench ls suites", "bench ls methods plugin=losses.py")

    plugin: Path | None = Field(default=None, description="a Python file whose losses are listed too")


OPTIONS = LsOptions


@dataclass(frozen=True)
class Entry:
    """A line for people, and the same for programs; a heading has no record."""

    line: str
    record: dict[str, Any] | None = None


def main(words: Sequence[str]) -> int:
    names, options = parse(words, LsOptions)
    for name in names:
        if name not in LISTS:
            raise ConfigError(f"unknown list {name!r}; choose from {', '.join(LISTS)}{did_you_mean(name, LISTS)}")
    with json_output(options.json_lines) as emit:
        for name in names or LISTS:
            entries = list(LISTS[name](options.plugin))
            print("\n".join([f"{name}:", *(f"  {entry.line}" for entry in entries)]))
            for entry in entries:
                if entry.record is not None:
                    emit({"list": name, **entry.record})
    return 0


def _suites(plugin: Path | None) -> Iterator[Entry]:
    for name in suite_names():
        title, scales = load_suite(name).title, scale_names(name)
        sizes = f"  scale={'|'.join(scales)}, {scales[0]} by default" if scales else ""
        yield Entry(f"{name}  {title}{sizes}", {"name": name, "title": title, "scales": scales})


def _configs(classes: Iterable[type[Config]]) -> Iterator[Entry]:
    """One entry a config class: its type and the first sentence of its docstring."""
    for config in classes:
        name, text = config.model_fields["type"].default, (config.__doc__ or "").strip().splitlines()[0]
        yield Entry(f"{name}  {text}", {"name": name, "summary": text})


def _methods(plugin: Path | None) -> Iterator[Entry]:
    """Every method, then every f of a preference method with the first line of its docstring; read, not imported."""
    yield from _configs(registered("methods"))
    yield Entry("losses of preference:")
    folder = Path(__file__).parents[1] / "losses" / "margin"
    for name in BUILT_IN_LOSSES:
        summary = functions(folder / f"{name}.py")[name]
        yield Entry(f"  f={name}  {summary}", _loss(name, summary, "built in"))
    for name, definition in added_losses(plugin).items():
        text = f"{definition.summary} ({definition.origin})".strip()
        yield Entry(f"  f={name}  {text}", _loss(name, definition.summary, definition.origin))


def _loss(name: str, summary: str, origin: str) -> dict[str, str]:
    return {"name": "preference", "f": name, "summary": summary, "origin": origin}


def _runs(plugin: Path | None) -> Iterator[Entry]:
    for path in sorted(Path("runs").glob("*/run.json")):
        folder = path.parent
        try:
            run = read_json(path)
            state, failed, updated = run["state"], len(run["failures"]), run["updated"]
        except (ValueError, LookupError, TypeError):
            text = "its run.json cannot be read; give the run's command again, which renews it"
            yield Entry(f"{folder}  {text}", {"run": str(folder), "state": None})
            continue
        failures = f", {failed} failed stages" if failed else ""
        record = {"run": str(folder), "state": state, "failed_stages": failed, "updated": updated}
        yield Entry(f"{folder}  {state}{failures}, {updated}", record)


LISTS: dict[str, Callable[[Path | None], Iterator[Entry]]] = {
    "suites": _suites,
    "worlds": lambda plugin: _configs(registered("worlds")),
    "golds": lambda plugin: _configs(get_args(get_args(GoldConfig)[0])),
    "methods": _methods,
    "runs": _runs,
}

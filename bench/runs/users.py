"""The run folders that use a store: those under a folder, links followed, and those that were once assembled from it.

`bench gc` asks, since what no run uses may be removed. What cannot be read is a doubt, with its reason.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.config.explain import one_line, validated
from bench.config.suite import SuiteConfig
from bench.engine.files import read_json, write_json
from bench.errors import ConfigError
from bench.pipeline.plan import build_plan, plan_stages

REGISTER = ".runs"
_FILES = ("stages.json", "config.json")


@dataclass
class Users:
    """Run folders, the keys that they name or plan, and why some folders may use more."""

    folders: set[Path] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    doubts: list[str] = field(default_factory=list)


def register(store: Path, run: Path) -> None:
    """Note in the store that the folder `run` uses it, unless that is known. The caller holds the folder's lock."""
    path = run.resolve()
    entry = store / REGISTER / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}.json"
    if not entry.exists():
        entry.parent.mkdir(exist_ok=True)
        write_json(entry, {"run": str(path)})


def users(store: Path, root: Path) -> Users:
    """Users under `root`, at any depth, and registered ones wherever they are."""
    found = Users()
    for folder in [*_under(root, found), *_registered(store, found)]:
        if (place := folder.resolve()) not in found.folders and _is_ours(folder, found):
            found.folders.add(place)
            _add_keys(folder, found)
    return found


def _under(root: Path, found: Users) -> Iterator[Path]:
    """Folders with a run.json, through links to folders; a link that leads nowhere is a doubt."""
    seen: set[Path] = set()
    for place, folders, files in os.walk(root, followlinks=True):
        here = Path(place)
        if here.resolve() in seen:  # a link to a folder above
            folders.clear()
            continue
        seen.add(here.resolve())
        for name in (*folders, *files):
            if (here / name).is_symlink() and not (here / name).exists():
                found.doubts.append(f"{here / name} links to what is not there, perhaps on a disk that is not mounted")
        if "run.json" in files:
            yield here


def _registered(store: Path, found: Users) -> Iterator[Path]:
    """Run folders that were assembled from this store and are still there."""
    for path in sorted((store / REGISTER).glob("*.json")):
        try:
            run = Path(read_json(path)["run"])
        except (OSError, ValueError, LookupError, TypeError) as error:
            found.doubts.append(
                f"{path} cannot be read ({one_line(error)}); it names a run folder that uses this store"
            )
            continue
        if run.is_dir():
            yield run


def _is_ours(folder: Path, found: Users) -> bool:
    """False for another program's folder. One of ours whose run.json cannot be read is a doubt."""
    try:
        if "command" in read_json(folder / "run.json"):
            return True
        problem = "is not that of a run"
    except (OSError, ValueError, TypeError) as error:
        problem = f"cannot be read ({one_line(error)})"
    if any((folder / name).exists() for name in _FILES):
        found.doubts.append(f"{folder / 'run.json'} {problem}; give the run's command again, which renews it")
    return False


def _add_keys(folder: Path, found: Users) -> None:
    """The keys in stages.json, and those that its config plans, so that an interrupted run keeps what it has."""
    for name in _FILES:
        if not (folder / name).exists():
            continue
        try:
            found.keys |= set(_named(folder) if name == "stages.json" else _planned(folder))
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            found.doubts.append(f"{folder / name} cannot be read ({one_line(error)}); give the run's command again")


def _named(folder: Path) -> Iterator[str]:
    for manifest in read_json(folder / "stages.json").values():
        yield manifest["key"]


def _planned(folder: Path) -> Iterator[str]:
    threads = re.search(r"\bthreads=(\d+)", read_json(folder / "run.json")["command"])
    values = read_json(folder / "config.json")
    try:
        plan = build_plan(validated(SuiteConfig, values), int(threads[1]) if threads else 1)
    except ConfigError:
        return  # written by other code, which plans other stages
    for stage in plan_stages(plan):
        yield stage.key

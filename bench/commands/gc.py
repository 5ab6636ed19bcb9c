"""`bench gc`: sizes of the stored stages, which of them no run uses, and their removal with delete=true.

A stage is in use when a run folder names it (stages.json), when that run's config plans it (so an interrupted run
keeps what it has), when a used stage was made from it, or while a process holds its lock. The store knows the run
folders that were assembled from it. In doubt nothing is removed.
"""

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from filelock import FileLock, Timeout
from pydantic import Field
from rich.console import Console
from rich.table import Table

from bench.commands.options import Options, parse
from bench.engine.files import read_json
from bench.engine.store import MANIFEST
from bench.errors import ConfigError
from bench.runs.users import REGISTER, Users, users

_DEAD = re.compile(r"\.(work|progress|output|trash)-(?P<key>[0-9a-f]+)")


class GcOptions(Options):
    """List the sizes of stored stages and leftovers, and those that no run uses; remove these with delete=true."""

    example: ClassVar[tuple[str, ...]] = ("bench gc", "bench gc delete=true runs=experiments")

    delete: bool = Field(default=False, description="remove what no run uses")
    runs: Path = Field(default=Path("runs"), description="searched at any depth, through links, for run folders")
    store: Path | None = Field(default=None, description="the store; $GOLDBENCH_STORE by default, else .goldbench")


OPTIONS = GcOptions


def main(words: Sequence[str]) -> int:
    places, options = parse(words, GcOptions)
    if places:
        raise ConfigError(f"unknown setting {places[0]!r}; choose from delete=true, runs=DIR, store=DIR")
    return collect(options)


@dataclass(frozen=True)
class Item:
    """A stored stage, or the leftovers of an attempt at one."""

    kind: str
    key: str
    name: str
    paths: tuple[Path, ...]
    finished: bool
    used: bool

    @property
    def size(self) -> int:
        return sum(_size(path) for path in self.paths)


def collect(options: GcOptions) -> int:
    """Print what the store holds; remove what nothing uses if `options.delete`. Returns the exit code, 0."""
    store = Path(options.store or os.environ.get("GOLDBENCH_STORE") or ".goldbench").expanduser()
    if not store.is_dir():
        raise ConfigError(f"the store {str(store)!r} does not exist; give store=DIR")
    found = users(store, options.runs.expanduser())
    used = _with_inputs(found.keys, store)
    items = list(_items(store, used))
    unused = [item for item in items if not item.used]
    if options.delete:
        _refuse_blind_deletion(options, found, store, used)
    console = Console(highlight=False, soft_wrap=True)
    console.print(_table(items))
    print(f"run folders that use this store or lie under {options.runs}: {len(found.folders)}")
    for doubt in found.doubts:
        print(f"in doubt, so delete=true keeps everything: {doubt}")
    for item in unused:
        state = "" if item.finished else "  unfinished"
        print(f"  {item.key[:8]}  {_mib(item.size):>12}  {item.name}{state}")
    freed = sum(_remove(item, store) for item in unused) if options.delete else 0
    if options.delete:
        print(f"removed {_mib(freed)} from {store}")
    elif unused:
        size = _mib(sum(item.size for item in unused))
        print(f"no run uses {size}, in the places above ({len(unused)}); delete=true removes them")
    else:
        print("everything is in use")
    return 0


def _with_inputs(keys: Iterable[str], store: Path) -> set[str]:
    """The keys, and those of everything that these were made from."""
    found, todo = set(keys), list(keys)
    manifests = {path.parent.name: path for path in store.glob(f"*/*/{MANIFEST}")}
    while todo:
        path = manifests.get(todo.pop())
        needed = set(read_json(path)["inputs"].values()) - found if path else set()
        found |= needed
        todo += needed
    return found


def _items(store: Path, used: set[str]) -> Iterator[Item]:
    """Everything in the folders of the kinds except locks, stages first."""
    for kind in sorted(path for path in store.iterdir() if path.is_dir() and path.name != REGISTER):
        dead: dict[str, list[Path]] = {}
        for path in sorted(kind.iterdir()):
            if (path / MANIFEST).is_file() and not path.name.startswith("."):
                name, keep = read_json(path / MANIFEST)["name"], path.name in used or _locked(kind, path.name)
                yield Item(kind.name, path.name, name, (path,), finished=True, used=keep)
            elif match := _DEAD.fullmatch(path.name):
                dead.setdefault(match["key"], []).append(path)
        for key, paths in dead.items():
            resumes = key in used and not (kind / key / MANIFEST).is_file()
            keep = resumes or _locked(kind, key)
            yield Item(kind.name, key, kind.name, tuple(paths), finished=False, used=keep)


def _lock(kind: Path, key: str) -> FileLock:
    return FileLock(kind / f".lock-{key}")


def _locked(kind: Path, key: str) -> bool:
    """True if a process works at this key."""
    lock = _lock(kind, key)
    if not Path(lock.lock_file).exists():
        return False
    try:
        with lock.acquire(timeout=0):
            return False
    except Timeout:
        return True


def _refuse_blind_deletion(options: GcOptions, found: Users, store: Path, used: set[str]) -> None:
    """Raise ConfigError where gc cannot see which runs use the store."""
    if found.doubts:
        raise ConfigError(f"nothing is removed: {found.doubts[0]}")
    if not found.folders:
        raise ConfigError(f"no run folder under {str(options.runs)!r}, so nothing would be kept; give runs=DIR")
    for path in store.glob("*/.lock-*"):
        key = path.name.removeprefix(".lock-")
        if key not in used and _locked(path.parent, key):
            where = f"{path.parent.name} {key[:8]}"
            raise ConfigError(
                f"a run that is not under {str(options.runs)!r} works in {store} ({where}); give runs=DIR"
            )


def _remove(item: Item, store: Path) -> int:
    """Remove an item under its lock, a stage in one step. Returns the bytes freed: 0 if a process took the lock."""
    size, kind = item.size, store / item.kind
    try:
        with _lock(kind, item.key).acquire(timeout=0):
            for path in item.paths:
                if path.is_dir():
                    trash = kind / f".trash-{item.key}"
                    shutil.rmtree(trash, ignore_errors=True)
                    path.rename(trash)
                    shutil.rmtree(trash)
                else:
                    path.unlink(missing_ok=True)
    except Timeout:
        return 0
    return size


def _size(path: Path) -> int:
    files = [path] if path.is_file() else [inner for inner in path.rglob("*") if inner.is_file()]
    return sum(file.stat().st_size for file in files)


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"


def _table(items: Sequence[Item]) -> Table:
    """Stages and leftovers by kind: how many and how large, all and unused."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("kind", "stages", "size", "unused", "size", "leftovers", "size"):
        table.add_column(title, justify="left" if title == "kind" else "right", no_wrap=True)
    for kind in [*dict.fromkeys(item.kind for item in items), "all"]:
        here = [item for item in items if kind in (item.kind, "all")]
        parts = (
            [item for item in here if item.finished],
            [item for item in here if item.finished and not item.used],
            [item for item in here if not item.finished],
        )
        cells = [text for part in parts for text in (str(len(part)), _mib(sum(item.size for item in part)))]
        table.add_row(kind, *cells)
    return table

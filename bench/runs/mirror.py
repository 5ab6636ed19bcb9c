"""A run folder's files as views of stored ones: hard links where the file system has them, else copies."""

import functools
import os
import shutil
from collections.abc import Callable
from pathlib import Path

LINKED = ("log.jsonl", "policies")
"""The parts of a training that a run folder shows."""


def mirror(source: Path, target: Path) -> None:
    """Mirror what the contract shows of a cell's folder by hard links, or by copies across file systems."""
    wanted = [path for name in LINKED for path in [source / name, *(source / name).rglob("*")] if path.is_file()]
    names = {path.relative_to(source) for path in wanted}
    present = {path.relative_to(target) for path in target.rglob("*") if path.is_file()}
    if names == present and all(_same(source / name, target / name) for name in names):
        return
    shutil.rmtree(target, ignore_errors=True)
    for name in sorted(names):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        replace(target / name, functools.partial(_link_or_copy, source / name))


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _same(one: Path, other: Path) -> bool:
    a, b = one.stat(), other.stat()
    return one.samefile(other) or (a.st_size, a.st_mtime_ns) == (b.st_size, b.st_mtime_ns)


def replace(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file beside its place, then put it there in one step."""
    part = path.with_name(f".{path.name}.partial")
    part.unlink(missing_ok=True)
    write(part)
    part.replace(path)

"""Writes that survive a kill and a power cut: a reader sees the old content or the new, never a part.

`store` publishes stages with it, resumable stages their checkpoints, `runs.folder` its JSON.
"""

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any


def read_json(path: Path) -> Any:
    """The JSON value in a file."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_text(path: Path, text: str) -> None:
    """Replace a file's text in one step."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    sync(partial)
    os.replace(partial, path)


def write_json(path: Path, value: Any) -> None:
    """Replace a file by a JSON value in one step. Raises ValueError for NaN or infinity: null means undefined."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n")


def sha256(path: Path) -> str:
    """The hash of a file's bytes, in hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Wait until the disk holds a file's bytes, or the names in a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(folder: Path) -> None:
    """Wait until the disk holds a folder and everything below it."""
    for path in [*folder.rglob("*"), folder]:
        sync(path)


def point_to(pointer: Path, folder: Path) -> None:
    """Make the file `pointer` name `folder`, which lies beside it, and remove the folder that it named before.

    The disk holds the folder before the new name, and the new name before the old folder goes.
    """
    old = read_json(pointer)["folder"] if pointer.exists() else folder.name
    sync_tree(folder)
    sync(pointer.parent)
    write_json(pointer, {"folder": folder.name})
    sync(pointer.parent)
    if old != folder.name:
        shutil.rmtree(pointer.parent / old, ignore_errors=True)

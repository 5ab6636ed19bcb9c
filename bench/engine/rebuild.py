"""Skip a rebuild when inputs and outputs are unchanged, judged by a record beside the outputs.

`runs.folder` uses it for a run's tables and `reports` for its report. Without a record, or with a file changed,
everything is rebuilt.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.engine.files import read_json, sha256, write_json


def digest(files: Iterable[Path], root: Path, words: Iterable[str] = ()) -> str:
    """Hash of some words, of files' bytes, and of the files' paths below `root`."""
    found = hashlib.sha256(json.dumps(list(words)).encode())
    for place, content in _contents(files, root).items():
        found.update(f"\0{place}\0{content}".encode())
    return found.hexdigest()


def contents_of(manifest: Mapping[str, Any]) -> str:
    """Hash of the files that a stage's manifest lists. Its key would not do: another machine may make other bytes."""
    return hashlib.sha256(json.dumps(manifest["files"], sort_keys=True).encode()).hexdigest()


def make_once(record: Path, made_of: str, outputs: Callable[[], Iterable[Path]], make: Callable[[], object]) -> None:
    """Call `make` unless, by the record, the files at `outputs` were made from `made_of` and are unchanged since."""
    if _read(record) != {"made_of": made_of, "files": _contents(outputs(), record.parent)}:
        make()
        write_json(record, {"made_of": made_of, "files": _contents(outputs(), record.parent)})


def _read(record: Path) -> object:
    try:
        return read_json(record)
    except (OSError, ValueError):
        return None


def _contents(files: Iterable[Path], root: Path) -> dict[str, str]:
    """SHA-256 of each existing file, by its path below `root`."""
    return {path.relative_to(root).as_posix(): sha256(path) for path in sorted(files) if path.is_file()}

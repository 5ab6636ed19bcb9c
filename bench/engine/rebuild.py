"""Work that need not be done again: a stamp beside files says of what they were made, and what they were then.

`run_folder` keeps a run's tables by one, `reports` its report. Without a stamp, or with a file changed, all is redone.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path

from bench.engine.files import read_json, sha256, write_json


def digest(files: Iterable[Path], root: Path, words: Iterable[str] = ()) -> str:
    """Hash over some words, and over files' bytes and their places below `root`."""
    found = hashlib.sha256(json.dumps(list(words)).encode())
    for place, content in _contents(files, root).items():
        found.update(f"\0{place}\0{content}".encode())
    return found.hexdigest()


def make_once(stamp: Path, made_of: str, outputs: Callable[[], Iterable[Path]], make: Callable[[], object]) -> None:
    """Call `make` unless the stamp says that what lies at `outputs` was made of `made_of` and is as it was then."""
    if _read(stamp) != {"made_of": made_of, "files": _contents(outputs(), stamp.parent)}:
        make()
        write_json(stamp, {"made_of": made_of, "files": _contents(outputs(), stamp.parent)})


def _read(stamp: Path) -> object:
    try:
        return read_json(stamp)
    except (OSError, ValueError):
        return None


def _contents(files: Iterable[Path], root: Path) -> dict[str, str]:
    """SHA-256 of each file that there is, by its place."""
    return {path.relative_to(root).as_posix(): sha256(path) for path in sorted(files) if path.is_file()}

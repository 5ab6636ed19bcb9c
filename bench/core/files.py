"""Small files, written so that a reader sees the old one or the new one, never a torn one."""

import json
import os
from pathlib import Path
from typing import Any


def read_json(path: Path) -> Any:
    """The JSON value in a file."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_text(path: Path, text: str) -> None:
    """Replace a file's text in one step."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


def write_json(path: Path, value: Any) -> None:
    """Replace a file by a JSON value in one step. Non-finite numbers are refused: null says undefined."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n")

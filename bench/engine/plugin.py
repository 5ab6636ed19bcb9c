"""The plugin file from which this process may load losses. The caller of the work sets it; the loader reads it.

The path does not affect results, so no stage's config holds it. A config holds the hash of the file's definitions.
"""

from contextvars import ContextVar
from pathlib import Path

_FILE: ContextVar[Path | None] = ContextVar("plugin", default=None)


def use_plugin(file: Path | None) -> None:
    """From now on, load losses from `file`."""
    _FILE.set(file)


def plugin_file() -> Path | None:
    """The file of the last `use_plugin`."""
    return _FILE.get()

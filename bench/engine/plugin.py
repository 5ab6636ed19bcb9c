"""The plugin file from which this process may load losses. Whoever starts the work sets it; the loader reads it.

The path is no part of a result, so no stage's config holds it: a config holds the hash of what the file defines.
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

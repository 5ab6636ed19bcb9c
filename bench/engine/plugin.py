"""The plugin file that this process may load losses from: told once by whoever starts the work, asked where they load.

Where the file lies is no part of a result, so no stage's config says it: that holds the hash of what the file defines.
"""

from contextvars import ContextVar
from pathlib import Path

_FILE: ContextVar[Path | None] = ContextVar("plugin", default=None)


def use_plugin(file: Path | None) -> None:
    """From now on, losses are loaded from `file`."""
    _FILE.set(file)


def plugin_file() -> Path | None:
    """The file that was told last."""
    return _FILE.get()

"""Sections that installed packages add, as their metadata name them. Imports none of them; `registry` loads them."""

from importlib.metadata import EntryPoint, entry_points

GROUP = "goldbench.sections"


def entries() -> list[EntryPoint]:
    """The entry points of the group, by name."""
    return sorted(entry_points(group=GROUP), key=lambda entry: entry.name)


def origins() -> list[str]:
    """Each entry point with its package's version: a page is a function of these too."""
    return [f"{entry.name} {entry.value} {entry.dist.version if entry.dist else ''}" for entry in entries()]

"""Registry of worlds, keyed by the `type` of their config."""

from bench.config.world import WorldConfig
from bench.worlds.base import World
from bench.worlds.notes.world import NotesWorld

WORLDS: dict[str, type[NotesWorld]] = {"notes": NotesWorld}


def build_world(config: WorldConfig) -> World:
    """Build the world that a config describes."""
    return WORLDS[config.type](config)

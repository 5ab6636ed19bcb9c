"""Every world, by the `type` of its config."""

from bench.config.world import WorldConfig
from bench.worlds.base import World
from bench.worlds.notes.world import NotesWorld

WORLDS: dict[str, type[NotesWorld]] = {"notes": NotesWorld}


def build_world(config: WorldConfig) -> World:
    """The world that a config describes."""
    return WORLDS[config.type](config)

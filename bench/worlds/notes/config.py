"""Settings of the world `notes`."""

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from bench.config.world import WorldConfig

if TYPE_CHECKING:
    from bench.worlds.base import World


class NotesConfig(WorldConfig):
    """The embedded world: short notes that state the facts of a brief in the requested tone."""

    rubric: ClassVar[str] = "gold.rubric:NotesRubric"

    type: Literal["notes"] = "notes"
    slots: int = Field(default=8, ge=2, le=8, description="number of fact slots")

    def build(self) -> "World":
        from bench.worlds.notes.world import NotesWorld

        return NotesWorld(self)

"""Base config of worlds. A world is one file with a `WorldConfig`; `bench.config.registry` lists it."""

from abc import abstractmethod
from typing import Any, ClassVar

from pydantic import Field

from bench.config.base import Config


class Splits(Config):
    """The number of prompts in each disjoint split. A stage uses a prefix of its split."""

    sft: int = Field(default=40_000, ge=1)
    gold: int = Field(default=16_000, ge=1)
    pairs: int = Field(default=16_000, ge=1)
    rl: int = Field(default=16_000, ge=1)
    select: int = Field(default=1_024, ge=1)
    report: int = Field(default=1_024, ge=1)


class WorldConfig(Config):
    """Settings shared by all worlds: the seed and the sizes of the prompt splits."""

    rubric: ClassVar[str]
    """`module:class` of the world's rubric, a `gold.base.Rubric`."""

    type: str
    seed: int = Field(default=0, ge=0)
    splits: Splits = Splits()

    @abstractmethod
    def build(self) -> Any:
        """Build the world. Implementations import the world here, so that reading a config stays fast."""

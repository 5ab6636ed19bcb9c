"""Configs of worlds: prompts, their facts, and the writers of demonstrations."""

from typing import Literal

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


class NotesConfig(Config):
    """The embedded world: short notes that state the facts of a brief in the requested tone."""

    type: Literal["notes"] = "notes"
    seed: int = Field(default=0, ge=0)
    slots: int = Field(default=8, ge=2, le=8, description="number of fact slots")
    splits: Splits = Splits()


WorldConfig = NotesConfig

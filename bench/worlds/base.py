"""What the harness asks of a world: prompts in disjoint splits, demonstrations, a wide set, a tokenizer.

Left out: how a response is judged (that is gold's rubric) and every model. Called by the pipeline and by gold.
"""

import hashlib
from abc import ABC, abstractmethod

import numpy as np
from transformers import PreTrainedTokenizerFast

SPLITS = ("sft", "gold", "pairs", "rl", "select", "report")


def prompt_id(text: str) -> str:
    """The content hash that names a prompt and decides its split: 16 hex digits of SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class World(ABC):
    """A task: prompts, and responses of every quality. Texts are words separated by single spaces.

    A model reads `<bos> prompt <sep>` and writes `response <eos>`.
    """

    @abstractmethod
    def tokenizer(self) -> PreTrainedTokenizerFast:
        """The tokenizer of every model in this world; its pad token is not its eos token."""

    @abstractmethod
    def draw_prompts(self, split: str, n: int) -> list[str]:
        """The first `n` distinct prompts of a split. Splits are disjoint; fewer prompts are a prefix of more."""

    @abstractmethod
    def write(self, prompt: str, rng: np.random.Generator) -> str:
        """A demonstration by a writer of random skill."""

    @abstractmethod
    def wide(self, prompt: str, k: int, rng: np.random.Generator) -> list[str]:
        """`k` responses from good to degenerate; the first half of them are minimal edits of each other."""

"""The interface of a world: prompts in disjoint splits, demonstrations, wide responses and a tokenizer.

Left out: the scoring of responses (gold's rubric does that) and all models. Used by the pipeline and by gold.
"""

import hashlib
from abc import ABC, abstractmethod

import numpy as np
from transformers import PreTrainedTokenizerFast

SPLITS = ("sft", "gold", "pairs", "rl", "select", "report")


def prompt_id(text: str) -> str:
    """Content hash of a prompt: 16 hex digits of SHA-256. It names the prompt and decides its split."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class World(ABC):
    """A task: prompts, and responses of every quality. Texts are words separated by single spaces.

    A model reads `<bos> prompt <sep>` and writes `response <eos>`.
    """

    @abstractmethod
    def tokenizer(self) -> PreTrainedTokenizerFast:
        """The tokenizer of every model in this world. Its pad token differs from its eos token."""

    @abstractmethod
    def draw_prompts(self, split: str, n: int) -> list[str]:
        """The first `n` distinct prompts of a split. Splits are disjoint; a smaller `n` gives a prefix."""

    @abstractmethod
    def write(self, prompt: str, rng: np.random.Generator) -> str:
        """A demonstration by a writer of random skill."""

    @abstractmethod
    def wide(self, prompt: str, k: int, rng: np.random.Generator) -> list[str]:
        """`k` responses from good to degenerate. The first half are minimal edits of one response."""

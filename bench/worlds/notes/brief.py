"""A brief: the facts, recipient and tone required of a note. Its text is the prompt.

Writers and the rubric read it. Left out: splits (world.py).
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import prod

import numpy as np

from bench.worlds.notes.vocabulary import FORMAL_TONES, RECIPIENTS, SLOTS, TONES


@dataclass(frozen=True)
class Brief:
    """The content of a prompt. `facts` maps a slot to its value, in prompt order."""

    tone: str
    recipient: str
    facts: dict[str, str]

    @property
    def text(self) -> str:
        return f"{self.tone} note to {self.recipient} : {' '.join(self.facts.values())}"

    @cached_property
    def formal(self) -> bool:
        return self.tone in FORMAL_TONES

    @classmethod
    @lru_cache(maxsize=8192)  # each prompt is scored many times
    def parse(cls, prompt: str) -> "Brief":
        """The brief that a prompt of this world encodes. Raises ValueError for any other text."""
        words = prompt.split()
        facts = dict(zip(SLOTS, words[5:], strict=False))
        brief = cls(words[0], words[3], facts) if len(words) > 5 else None
        if brief is None or brief.text != prompt or any(v not in SLOTS[s] for s, v in facts.items()):
            raise ValueError(
                f"cannot parse {prompt!r} as a brief; expected '<tone> note to <recipient> : <fact> <fact> ...'"
            )
        return brief


def count_briefs(slots: int) -> int:
    """The number of distinct briefs in a world of this many slots."""
    return len(TONES) * len(RECIPIENTS) * prod(len(values) for values in list(SLOTS.values())[:slots])


def draw_briefs(slots: int, n: int, rng: np.random.Generator) -> list[Brief]:
    """`n` independent, uniform briefs. Duplicates are possible."""
    active = list(SLOTS.items())[:slots]
    columns = [tuple(TONES), RECIPIENTS, *(values for _, values in active)]
    rows = rng.integers([len(column) for column in columns], size=(n, len(columns)))
    names = [name for name, _ in active]
    briefs = []
    for row in rows.tolist():
        tone, recipient, *values = [column[i] for column, i in zip(columns, row, strict=True)]
        briefs.append(Brief(tone, recipient, dict(zip(names, values, strict=True))))
    return briefs

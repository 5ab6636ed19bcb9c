"""The rubric of the world `notes`: the program whose preferences train gold, and that audits gold.

Each word of a note changes a part of the rubric by a signed amount, and the rubric is the sum. A prefix of a note
therefore has a score too, which gold's training uses. The users' rubric is the plain sum of the parts. The writers of
preferences may weight the parts, and then gold is trained on the weighted sum. Left out: anything that the text and
its brief do not show, such as the author or the sampler.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple, final

import numpy as np
from jaxtyping import Float

from bench.worlds.notes.brief import Brief
from bench.worlds.notes.vocabulary import (
    AGAIN,
    CLOSINGS,
    END,
    FILLER_SENTENCES,
    FILLER_WORDS,
    GREETINGS,
    LEGAL,
    RECIPIENTS,
    SLOT_OF,
    START,
    TONE_OF,
    word_class,
)
from gold.base import Rubric

PARTS = ("facts", "tone", "register", "structure", "brevity", "restating", "filler", "repetition", "form")

RIGHT_FACT, WRONG_FACT = 1.0, -1.0
FACT_AGAIN = -0.6
TONE_GAINS = (0.8, 0.6)  # the first and second word of the requested tone
TONE_TOO_MUCH, WRONG_TONE = -0.7, -0.7
REGISTER = 0.5
GREETED, ADDRESSED, CLOSED, MISPLACED = 0.8, 0.7, 0.8, -0.5
TARGET_WORDS, PER_WORD_OVER = 34, -0.2
FILLER = -0.6
REPEATED_PAIR = -0.15
BROKEN_PAIR = -0.4

_FILLER_STARTS = frozenset(phrase[:2] for phrase in FILLER_SENTENCES)
_CLOSING_STARTS = frozenset(words[0] for words in CLOSINGS)


class Event(NamedTuple):
    """A change of `part` by `value`, caused by the word at `position`. Position len(words) is the end of the note."""

    position: int
    part: str
    value: float


@final
@dataclass(frozen=True)
class NotesRubric(Rubric):
    """Scores a note as a sum of signed parts. Deterministic; about 30 microseconds per response.

    `weights` multiply the parts that they name. Without weights this is the users' rubric.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    part_names = PARTS

    def events(self, brief: Brief, words: Sequence[str]) -> Iterator[Event]:
        """All changes of the rubric's parts, grouped by part; each group runs from left to right."""
        kinds = (self._facts(brief, words), self._tone(brief, words), self._structure(brief, words))
        for position, part, value in chain(*kinds, self._fluency(words)):
            yield Event(position, part, self.weights.get(part, 1.0) * value)

    def parts(self, prompt: str, response: str) -> dict[str, float]:
        """The parts of one response, in the order of `PARTS`."""
        totals = dict.fromkeys(PARTS, 0.0)
        for _, part, value in self.events(Brief.parse(prompt), response.split()):
            totals[part] += value
        return totals

    def deltas(self, prompt: str, response: str) -> Float[np.ndarray, "T R"]:
        """Change of each part by each word and, in the last row, by the end. Columns sum to `parts`."""
        words = response.split()
        table = np.zeros((len(words) + 1, len(PARTS)))
        for position, part, value in self.events(Brief.parse(prompt), words):
            table[position, PARTS.index(part)] += value
        return table

    def _facts(self, brief: Brief, words: Sequence[str]) -> Iterator[Event]:
        seen = set()
        for i, word in enumerate(words):
            slot = SLOT_OF.get(word)
            if slot is None:
                continue
            if slot in seen:
                yield Event(i, "restating", FACT_AGAIN)
            else:
                seen.add(slot)
                yield Event(i, "facts", RIGHT_FACT if brief.facts.get(slot) == word else WRONG_FACT)

    def _tone(self, brief: Brief, words: Sequence[str]) -> Iterator[Event]:
        fitting = 0
        for i, word in enumerate(words):
            tone = TONE_OF.get(word)
            if tone is None:
                continue
            if tone != brief.tone:
                yield Event(i, "tone", WRONG_TONE)
                continue
            yield Event(i, "tone", TONE_GAINS[fitting] if fitting < len(TONE_GAINS) else TONE_TOO_MUCH)
            fitting += 1

    def _structure(self, brief: Brief, words: Sequence[str]) -> Iterator[Event]:
        for i, word in enumerate(words):
            if word in GREETINGS:
                yield Event(i, "structure", MISPLACED if i else GREETED)
                yield Event(i, "register", REGISTER if GREETINGS[word] == brief.formal else -REGISTER)
            elif word in RECIPIENTS:
                yield Event(i, "structure", ADDRESSED if i == 1 and word == brief.recipient else -ADDRESSED)
        end = len(words) - (bool(words) and words[-1] == ".")
        for size in (1, 2):
            formal = CLOSINGS.get(tuple(words[max(end - size, 0) : end]))
            if formal is not None:
                yield Event(len(words), "structure", CLOSED - MISPLACED)
                yield Event(len(words), "register", REGISTER if formal == brief.formal else -REGISTER)
        for i, word in enumerate(words):
            if word in _CLOSING_STARTS:
                yield Event(i, "structure", MISPLACED)

    def _fluency(self, words: Sequence[str]) -> Iterator[Event]:
        seen = set()
        classes = [START, *map(word_class, words)]
        for i, word in enumerate(words):
            if i >= TARGET_WORDS:
                yield Event(i, "brevity", PER_WORD_OVER)
            if word in FILLER_WORDS or word == AGAIN:
                yield Event(i, "filler", FILLER)
            if (classes[i], classes[i + 1]) not in LEGAL:
                yield Event(i, "form", BROKEN_PAIR)
            if i:
                pair = (words[i - 1], word)
                if pair in _FILLER_STARTS:
                    yield Event(i, "filler", FILLER)
                if pair in seen:
                    yield Event(i, "repetition", REPEATED_PAIR)
                seen.add(pair)
        if (classes[-1], END) not in LEGAL:
            yield Event(len(words), "form", BROKEN_PAIR)

"""Writers of varying skill, who turn a brief into a note.

A careless writer omits facts, replaces the right word with a stock word, pads, repeats facts, misses the tone, and
skips the greeting or the closing. Skill has one shared component and ten independent ones, so that notes vary in many
independent qualities. Called by world.py and wide.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from bench.worlds.notes.brief import Brief
from bench.worlds.notes.vocabulary import (
    ADJUNCTS,
    AGAIN,
    CLOSINGS,
    CORES,
    FILLER_SENTENCES,
    FILLER_WORDS,
    GREETINGS,
    RECIPIENTS,
    REQUESTS,
    TONES,
    Phrase,
)

Stock = Mapping[str, Sequence[str]]
"""The values of each slot, in the order in which careless writers prefer them."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class Writer:
    """A writer's habits, each a probability."""

    mention: float  # each fact
    accuracy: float  # a mentioned fact is right
    greet: float
    address: float  # name the recipient, when greeting
    close: float
    register: float  # greet and close as formally as the tone requires
    tone: float  # a tone word, at each sentence
    right_tone: float  # the tone word fits the brief
    filler: float  # a filler sentence; a filler word
    restate: float  # a sentence that repeats a fact


GOOD = Writer(0.97, 0.97, 0.97, 0.97, 0.97, 0.95, 0.45, 0.97, 0.03, 0.03)


def draw_writer(rng: np.random.Generator) -> Writer:
    """A writer of random skill. Each trait is half a shared component, half an independent one."""
    common = rng.beta(2.0, 2.0)
    independent = rng.random(10).tolist()

    def trait(i: int, poor: float, fine: float) -> float:
        return poor + (fine - poor) * (0.5 * common + 0.5 * independent[i])

    return Writer(
        mention=trait(0, 0.6, 0.97),
        accuracy=trait(1, 0.45, 0.93),
        greet=trait(2, 0.55, 0.95),
        address=trait(3, 0.4, 0.95),
        close=trait(4, 0.45, 0.95),
        register=trait(5, 0.4, 0.95),
        tone=trait(6, 0.2, 0.65),
        right_tone=trait(7, 0.45, 0.95),
        filler=trait(8, 0.3, 0.05),
        restate=trait(9, 0.25, 0.05),
    )


def _pick(options: Sequence[_T], rng: np.random.Generator) -> _T:
    return options[int(rng.integers(len(options)))]


def stock_value(slot: str, right: str, stock: Stock, rng: np.random.Generator) -> str:
    """A wrong value, sampled with weight 1 / (rank + 2) in the slot's stock order."""
    values = [value for value in stock[slot] if value != right]
    weights = 1.0 / (np.arange(len(values)) + 2.0)
    return values[int(np.searchsorted(np.cumsum(weights), rng.random() * weights.sum(), side="right"))]


class Note:
    """One note in progress, and the value that this writer believes for each fact."""

    def __init__(self, brief: Brief, writer: Writer, stock: Stock, rng: np.random.Generator) -> None:
        self.brief, self.writer, self.rng = brief, writer, rng
        self.believed = {
            slot: value if rng.random() < writer.accuracy else stock_value(slot, value, stock, rng)
            for slot, value in brief.facts.items()
        }

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def fill(self, phrases: Sequence[Phrase]) -> list[str]:
        return [self.believed[w[1:-1]] if w.startswith("{") else w for w in _pick(phrases, self.rng)]

    def tone_word(self) -> list[str]:
        if not self.chance(self.writer.tone):
            return []
        tone = self.brief.tone if self.chance(self.writer.right_tone) else _pick(tuple(TONES), self.rng)
        return [_pick(TONES[tone], self.rng)]

    def sentence(self, head: list[str], adjuncts: Sequence[str] = ()) -> list[str]:
        details = [word for slot in adjuncts for word in self.fill(ADJUNCTS[slot])]
        tone = self.tone_word()
        tone_first = self.chance(0.5)
        return [*(tone if tone_first else []), *head, *details, *([] if tone_first else tone), "."]

    def core(self, mentioned: Sequence[str]) -> list[str]:
        stated = tuple(slot for slot in ("event", "item") if slot in mentioned)
        words = self.fill(CORES[stated])
        if "event" in stated and self.chance(self.writer.filler):
            words.insert(len(words) - 1, _pick(FILLER_WORDS, self.rng))
        return words

    def _formal(self) -> bool:
        return self.brief.formal == self.chance(self.writer.register)

    def greeting(self) -> list[str]:
        if not self.chance(self.writer.greet):
            return []
        formal = self._formal()
        words = [_pick([word for word, f in GREETINGS.items() if f == formal], self.rng)]
        if self.chance(self.writer.address):
            right = self.chance(self.writer.accuracy)
            words.append(self.brief.recipient if right else _pick(RECIPIENTS, self.rng))
        return [*words, ","]

    def closing(self) -> list[str]:
        if not self.chance(self.writer.close):
            return []
        formal = self._formal()
        words = _pick([words for words, f in CLOSINGS.items() if f == formal], self.rng)
        return [*words, "."] if self.chance(0.5) else list(words)

    def body(self) -> list[list[str]]:
        """Sentences in random order, with a repeated fact last."""
        mentioned = [slot for slot in self.believed if self.chance(self.writer.mention)]
        adjuncts = [slot for slot in mentioned if slot in ADJUNCTS]
        self.rng.shuffle(adjuncts)
        core = self.core(mentioned)
        first = int(self.rng.integers(len(adjuncts) + 1)) if {"event", "item"} & set(mentioned) else len(adjuncts)
        sentences = [self.sentence(core, adjuncts[:first])]
        if adjuncts[first:]:
            sentences.append(self.sentence(self.core(()), adjuncts[first:]))
        if "ask" in mentioned:
            sentences.append(self.sentence(self.fill(REQUESTS)))
        if self.chance(self.writer.filler):
            sentences.append([*_pick(FILLER_SENTENCES, self.rng), "."])
        self.rng.shuffle(sentences)
        if adjuncts and self.chance(self.writer.restate):
            sentences.append(self.sentence([AGAIN], [_pick(adjuncts, self.rng)]))
        return sentences


def write_note(brief: Brief, writer: Writer, stock: Stock, rng: np.random.Generator) -> list[str]:
    """The words of one note."""
    note = Note(brief, writer, stock, rng)
    return [*note.greeting(), *(word for sentence in note.body() for word in sentence), *note.closing()]

"""The n-grams that a policy over-uses against pi_ref, over all report samples of a row.

Words are split at whitespace, so any world's text will do. Ranked by count times log ratio, the n-gram's share of the
Kullback-Leibler divergence between the two bags of n-grams: neither a word used once nor one used a little more often
comes first. `drilldown` calls it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHOWN = 8
_LONGEST = 3
_FEWEST = 5  # occurrences
_LEAST_RATIO = 1.5
_BORDER = "\x00"  # between two texts; no n-gram has it

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Gram:
    """An n-gram, its rate a thousand words in both texts, and the ratio of the rates, half an occurrence added."""

    text: str
    rate: float
    reference_rate: float
    ratio: float


@dataclass(frozen=True, eq=False)
class Bag:
    """Distinct n-gram codes in increasing order, how often each occurs, and how many words there were."""

    codes: Codes
    counts: Codes
    words: int


class _Numbers(dict[str, int]):
    """Words, numbered in order of first use."""

    def __missing__(self, word: str) -> int:
        self[word] = len(self)
        return self[word]


class Grams:
    """Numbers words in order of appearance, and n-grams by their words' numbers."""

    def __init__(self) -> None:
        self._number = _Numbers({_BORDER: 0})

    def bag(self, texts: Iterable[str]) -> Bag:
        """The n-grams of up to three words; none spans two texts."""
        words = f" {_BORDER} ".join(texts).split()
        word = np.fromiter(map(self._number.__getitem__, words), dtype=np.int64, count=len(words))
        assert len(self._number) < 1 << 21, "three words must fit in 63 bits"
        codes, gram, whole = [], np.zeros_like(word), np.ones(len(word), dtype=bool)
        for n in range(_LONGEST):
            shifted = word[n:]
            whole = whole[: len(shifted)] & (shifted > 0)
            gram = (gram[: len(shifted)] << 21) | shifted
            codes.append(gram[whole])
        distinct, counts = np.unique(np.concatenate(codes), return_counts=True)
        return Bag(distinct, counts, int((word > 0).sum()))

    def overused(self, bag: Bag, reference: Bag) -> list[Gram]:
        """The most over-used n-grams, none of which is a part of another."""
        if not bag.words or not reference.words:
            return []
        place = np.searchsorted(reference.codes, bag.codes).clip(max=len(reference.codes) - 1)
        found = reference.codes[place] == bag.codes
        expected = np.where(found, reference.counts[place], 0)
        ratio = (bag.counts + 0.5) / (expected + 0.5) * reference.words / bag.words
        some = (bag.counts >= _FEWEST) & (ratio >= _LEAST_RATIO)
        weight = np.where(some, bag.counts * np.log(ratio), -np.inf)
        words, kept = list(self._number), list[Gram]()
        for i in np.argsort(-weight, kind="stable")[: 20 * SHOWN]:
            text = text_of(int(bag.codes[i]), words)
            if not some[i] or len(kept) == SHOWN:
                break
            if not any(_within(text, g.text) or _within(g.text, text) for g in kept):
                rates = (1000 * bag.counts[i] / bag.words, 1000 * expected[i] / reference.words)
                kept.append(Gram(text, float(rates[0]), float(rates[1]), float(ratio[i])))
        return kept


def text_of(code: int, words: Sequence[str]) -> str:
    """The n-gram of that code."""
    numbers = [(code >> 21 * n) & ((1 << 21) - 1) for n in reversed(range(_LONGEST))]
    return " ".join(words[number] for number in numbers if number)


def _within(part: str, whole: str) -> bool:
    return f" {part} " in f" {whole} "

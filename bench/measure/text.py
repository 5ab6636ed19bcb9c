"""Statistics of texts: repetition within a response, and variety of a set of responses."""

from collections.abc import Sequence


def _ngrams(text: str, n: int) -> list[tuple[str, ...]]:
    words = text.split()
    return list(zip(*(words[i:] for i in range(n)), strict=False))


def repetition(text: str) -> float:
    """Share of a response's trigrams that occurred in it before; 0 for a text of fewer than three words.

    >>> round(repetition("a a a a"), 3)
    0.5
    """
    grams = _ngrams(text, 3)
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def distinct2(texts: Sequence[str]) -> float:
    """Distinct bigrams over all bigrams of a set of responses; NaN when there is no bigram at all."""
    grams = [gram for text in texts for gram in _ngrams(text, 2)]
    return len(set(grams)) / len(grams) if grams else float("nan")

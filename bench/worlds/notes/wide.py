"""The wide set: responses from good to degenerate, so that gold is accurate far from any single policy.

Half of a prompt's responses are minimal edits of one note (one to three facts swapped). Without them a
reward model learns fluency alone. The rest are notes by writers of varied skill, corrupted in up to two ways.
Called by world.py.
"""

from collections.abc import Callable, Sequence

import numpy as np

from bench.worlds.notes.brief import Brief
from bench.worlds.notes.vocabulary import ADJUNCTS, AGAIN, FILLER_SENTENCES, SLOT_OF, TONES, WORDS
from bench.worlds.notes.writers import GOOD, Stock, draw_writer, stock_value, write_note

LONGEST = 48  # words; no response of the wide set is longer

Words = list[str]
Spoil = Callable[[Words, Brief, np.random.Generator], Words]


def _some(options: Sequence[str], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]


def swap_facts(words: Sequence[str], brief: Brief, stock: Stock, rng: np.random.Generator) -> Words:
    """Flip one to three facts: a right value becomes wrong, a wrong value becomes right."""
    edited = list(words)
    spots = [i for i, word in enumerate(words) if SLOT_OF.get(word) in brief.facts]
    chosen = rng.permutation(len(spots))[: int(rng.integers(1, 4))]
    for i in (spots[j] for j in chosen.tolist()):
        slot = SLOT_OF[words[i]]
        right = brief.facts[slot]
        edited[i] = stock_value(slot, right, stock, rng) if words[i] == right else right
    return edited


def _insert_after(words: Words, stop: str, extra: Callable[[], Words], rate: float, rng: np.random.Generator) -> Words:
    result: Words = []
    for word in words:
        result.append(word)
        if word == stop and rng.random() < rate:
            result += extra()
    return result


def more_tone(words: Words, brief: Brief, rng: np.random.Generator) -> Words:
    """Add excess tone words at the start and the end of sentences."""
    tone = brief.tone if rng.random() < 0.7 else _some(tuple(TONES), rng)
    rate = rng.uniform(0.3, 1.0)
    extended = _insert_after(words, ".", lambda: [_some(TONES[tone], rng)], rate, rng)
    return [w for word in extended for w in ([_some(TONES[tone], rng), word] if word == "." else [word])]


def restated(words: Words, brief: Brief, rng: np.random.Generator) -> Words:
    """Add sentences that repeat a fact: the note's value, or the brief's where the note omits it."""

    def again() -> Words:
        slot = _some([s for s in brief.facts if s in ADJUNCTS] or list(brief.facts), rng)
        value = next((word for word in words if SLOT_OF.get(word) == slot), brief.facts[slot])
        if slot not in ADJUNCTS:
            return [AGAIN, "something", "is", value, "."]
        phrase = ADJUNCTS[slot][int(rng.integers(len(ADJUNCTS[slot])))]
        return [AGAIN, *(value if word.startswith("{") else word for word in phrase), "."]

    return _insert_after(words, ".", again, rng.uniform(0.3, 1.0), rng)


def padded(words: Words, brief: Brief, rng: np.random.Generator) -> Words:
    """Insert filler sentences between the others."""
    rate = rng.uniform(0.3, 1.0)
    return _insert_after(words, ".", lambda: [*FILLER_SENTENCES[int(rng.integers(3))], "."], rate, rng)


def jumbled(words: Words, brief: Brief, rng: np.random.Generator) -> Words:
    """Drop, double, replace and exchange words at a random rate."""
    rate = rng.choice([0.03, 0.1, 0.3])
    result: Words = []
    for word in words:
        luck = rng.random() / rate
        if luck < 0.25:
            continue
        result.append(_some(WORDS, rng) if luck < 0.6 else word)
        if 0.6 <= luck < 0.8:
            result.append(_some([word, _some(WORDS, rng)], rng))
        elif 0.8 <= luck < 1.0 and len(result) > 1:
            result[-2:] = result[:-3:-1]
    return result


def cut(words: Words, brief: Brief, rng: np.random.Generator) -> Words:
    """Keep a random prefix."""
    return words[: int(rng.integers(len(words) + 1))]


def out_of_order(words: Words, brief: Brief, rng: np.random.Generator) -> Words:
    """Shuffle all sentences, greeting and closing included."""
    text = " ".join(words).replace(" , ", " , |").replace(" . ", " . |")
    parts = text.split("|")
    return " ".join(part.strip() for part in (parts[i] for i in rng.permutation(len(parts)))).split()


def looped(words: Words, brief: Brief, rng: np.random.Generator) -> Words:
    """Repeat a short run of words."""
    start, size = int(rng.integers(max(1, len(words)))), int(rng.integers(1, 9))
    return (words[start : start + size] or ["."]) * int(rng.integers(2, 12))


def babble(words: Words, brief: Brief, rng: np.random.Generator) -> Words:
    """Random words, from the vocabulary or from the brief's facts."""
    source = [*brief.facts.values()] if rng.random() < 0.5 else list(WORDS)
    return [_some(source, rng) for _ in range(int(rng.integers(LONGEST + 1)))]


SPOILERS: tuple[Spoil, ...] = (more_tone, restated, padded, jumbled, cut, out_of_order, looped, babble)
_CHANCES = np.array([0.2, 0.17, 0.13, 0.2, 0.08, 0.1, 0.06, 0.06])


def wide_set(brief: Brief, k: int, stock: Stock, rng: np.random.Generator) -> list[Words]:
    """`k` responses: first minimal edits of one note, then other notes, intact or corrupted."""

    def note(good: float) -> Words:
        return write_note(brief, GOOD if rng.random() < good else draw_writer(rng), stock, rng)

    base = note(0.4)
    responses = [base] + [swap_facts(base, brief, stock, rng) for _ in range(k // 2 - 1)]
    while len(responses) < k:
        words = note(0.25)
        for _ in range(int(rng.choice([0, 1, 2], p=[0.4, 0.5, 0.1]))):
            words = SPOILERS[int(rng.choice(len(SPOILERS), p=_CHANCES))](words, brief, rng)
        responses.append(words)
    return [words[:LONGEST] for words in responses[:k]]

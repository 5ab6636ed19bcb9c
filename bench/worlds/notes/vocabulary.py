"""The vocabulary of the world `notes`: fact slots, tones, phrases, and the grammar over adjacent words.

Writers compose notes from these tables alone. `LEGAL`, the rubric's grammar, is derived from them.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise, product


def _list(words: str) -> tuple[str, ...]:
    return tuple(words.split())


SLOTS: dict[str, tuple[str, ...]] = {
    "event": _list("lost broken stolen found repaired sold missing cleaned"),
    "item": _list("laptop phone badge camera bicycle printer wallet umbrella jacket guitar passport suitcase"),
    "day": _list("monday tuesday wednesday thursday friday saturday sunday"),
    "place": _list("office garage station kitchen library garden market school airport museum"),
    "hour": _list("dawn breakfast noon lunch dusk dinner midnight"),
    "person": _list("anna ben carla david elena frank grace henry irene jacob karen leo"),
    "reason": _list("rain traffic noise fog illness snow wind smoke heat"),
    "ask": _list("advice money tools tickets directions help food boxes papers"),
}
TONES: dict[str, tuple[str, ...]] = {
    "polite": _list("kindly respectfully humbly graciously sincerely courteously"),
    "urgent": _list("urgently quickly immediately promptly hastily swiftly"),
    "cheerful": _list("happily gladly cheerfully joyfully merrily brightly"),
    "casual": _list("casually easily lazily loosely simply freely"),
}
RECIPIENTS = _list("boss friend neighbor teacher landlord doctor sister coach")

FORMAL_TONES = frozenset({"polite", "urgent"})
# Greetings and closings, and whether they are formal.
GREETINGS = {"dear": True, "greetings": True, "salutations": True, "hi": False, "hey": False, "hello": False}
CLOSINGS: dict[tuple[str, ...], bool] = {
    ("regards",): True,
    ("yours", "truly"): True,
    ("best", "wishes"): True,
    ("cheers",): False,
    ("see", "you"): False,
    ("take", "care"): False,
}

# Phrases. A word in braces is a slot, filled with one of its values.
Phrase = tuple[str, ...]


def _phrases(*lines: str) -> tuple[Phrase, ...]:
    return tuple(tuple(line.split()) for line in lines)


CORES = {  # keyed by the slots that they state
    ("event", "item"): _phrases("my {item} is {event}", "our {item} is {event}", "my {item} was {event}"),
    ("item",): _phrases("it is about my {item}", "this concerns our {item}"),
    ("event",): _phrases("something is {event}", "something was {event}"),
    (): _phrases("it happened", "this was"),
}
ADJUNCTS = {
    "day": _phrases("on {day}", "this {day}"),
    "place": _phrases("at the {place}", "near the {place}"),
    "hour": _phrases("around {hour}", "before {hour}"),
    "person": _phrases("with {person}", "beside {person}"),
    "reason": _phrases("because of {reason}", "due to {reason}"),
}
REQUESTS = _phrases("i need {ask}", "we need {ask}", "could you bring {ask}", "could you send {ask}")
FILLER_WORDS = _list("really somehow quite just")
FILLER_SENTENCES = _phrases("i hope all is well", "you know how it is", "there is not much to say")
AGAIN = "again"
BRIEF_WORDS = ("note", "to", ":")

_CLASS_OF = {value: f"{{{slot}}}" for slot, values in SLOTS.items() for value in values}
_CLASS_OF |= {word: "{tone}" for words in TONES.values() for word in words}
_CLASS_OF |= dict.fromkeys(RECIPIENTS, "{recipient}")
_CLASS_OF |= dict.fromkeys(GREETINGS, "{greeting}")
_CLASS_OF |= dict.fromkeys(FILLER_WORDS, "{filler}")

SLOT_OF = {value: slot for slot, values in SLOTS.items() for value in values}
TONE_OF = {word: tone for tone, words in TONES.items() for word in words}
START, END = "{start}", "{end}"


def word_class(word: str) -> str:
    """Grammar class of a word: a slot, tone, recipient, greeting or filler in braces, else the word itself."""
    return _CLASS_OF.get(word, word)


def _grammar() -> frozenset[tuple[str, str]]:
    cores = [phrase for phrases in CORES.values() for phrase in phrases]
    adjuncts = [phrase for phrases in ADJUNCTS.values() for phrase in phrases]
    statements = [*cores, *REQUESTS]
    heads = [*statements, *FILLER_SENTENCES, (AGAIN,), *CLOSINGS]
    legal = {pair for phrase in [*heads, *adjuncts] for pair in pairwise(phrase)}

    def join(lefts: Iterable[str], rights: Iterable[str]) -> None:
        legal.update(product(set(lefts), set(rights)))

    def firsts(phrases: Iterable[Sequence[str]]) -> list[str]:
        return [phrase[0] for phrase in phrases]

    def lasts(phrases: Iterable[Sequence[str]]) -> list[str]:
        return [phrase[-1] for phrase in phrases]

    openings = [*firsts(heads), "{tone}"]
    join([START], ["{greeting}", *openings])
    join(["{greeting}"], ["{recipient}", ","])
    join(["{recipient}"], [","])
    join([",", "."], openings)
    join(["{tone}"], [*firsts(heads), "."])
    join([AGAIN], [*firsts(statements), *firsts(adjuncts)])
    join([*lasts(statements), *lasts(adjuncts)], [*firsts(adjuncts), "{tone}", "."])
    join(lasts(FILLER_SENTENCES), ["."])
    join(["is", "was"], ["{filler}"])
    join(["{filler}"], ["{event}"])
    join(lasts(CLOSINGS), [".", END])
    join(["."], [END])
    return frozenset(legal)


LEGAL = _grammar()


def _words() -> tuple[str, ...]:
    phrases = [p for group in (*CORES.values(), *ADJUNCTS.values()) for p in group]
    phrases += [*REQUESTS, *FILLER_SENTENCES, *CLOSINGS]
    literals = [word for phrase in phrases for word in phrase if not word.startswith("{")]
    values = [value for group in (*SLOTS.values(), *TONES.values()) for value in group]
    return tuple(
        dict.fromkeys(
            [*BRIEF_WORDS, *TONES, *RECIPIENTS, *values, *GREETINGS, *FILLER_WORDS, ",", ".", AGAIN, *literals]
        )
    )


WORDS = _words()

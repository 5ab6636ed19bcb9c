import numpy as np
import pytest

from bench.config.models import RUBRIC_PARTS
from bench.worlds.notes.config import NotesConfig
from gold.rubric import PARTS, NotesRubric

PROMPT = "polite note to boss : lost laptop monday office"
GOOD = "dear boss , kindly my laptop is lost on monday at the office . regards ."

WORLD = NotesConfig(slots=4).build()
RUBRIC = NotesRubric()


def parts(response: str) -> dict[str, float]:
    return {name: round(value, 9) for name, value in RUBRIC.parts(PROMPT, response).items() if value}


def test_a_good_note_by_hand():
    # four facts; one fitting tone word; formal greeting and closing for a polite note; greeted, addressed, closed
    assert parts(GOOD) == {"facts": 4.0, "tone": 0.8, "register": 1.0, "structure": 0.8 + 0.7 + 0.8}


def test_nothing_said_ends_where_no_note_may():
    assert parts("") == {"form": -0.4}


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        ("monday", "friday", {"facts": -2.0}),  # right (+1) becomes wrong (-1)
        (" on monday", "", {"facts": -1.0}),
        ("kindly", "quickly", {"tone": -0.8 - 0.7}),  # a tone nobody asked for
        ("dear", "hey", {"register": -1.0}),
        ("boss", "coach", {"structure": -1.4}),
        ("is lost", "is really lost", {"filler": -0.6}),
        ("regards .", "", {"structure": -0.8, "register": -0.5}),
        ("regards .", "again on monday . regards .", {"restating": -0.6, "filler": -0.6, "repetition": -0.15}),
        ("regards .", "i hope all is well . regards .", {"filler": -0.6}),
        ("on monday", "monday on", {"form": -0.8}),  # lost-monday and on-at
    ],
)
def test_one_change_moves_the_parts_it_should(old, new, change):
    before, after = RUBRIC.parts(PROMPT, GOOD), RUBRIC.parts(PROMPT, GOOD.replace(old, new))
    moved = {name: round(after[name] - before[name], 9) for name in PARTS if abs(after[name] - before[name]) > 1e-9}
    assert moved == pytest.approx(change)


def test_only_the_first_mention_of_a_fact_counts():
    assert parts("something is lost . again something is found .")["facts"] == 1.0
    assert parts("something is found . again something is lost .")["facts"] == -1.0
    assert parts("this was with anna .")["facts"] == -1.0  # nobody asked about a person


def test_tone_words_are_good_until_there_are_too_many():
    sentence = "it happened kindly ."
    gains = [parts(" ".join([sentence] * n)).get("tone", 0.0) for n in range(6)]
    assert np.diff(gains).tolist() == pytest.approx([0.8, 0.6, -0.7, -0.7, -0.7])


def test_words_past_the_target_cost():
    assert parts(" ".join(["."] * 40))["brevity"] == pytest.approx(6 * -0.2)


def test_what_a_writer_writes_is_well_formed():
    world, rng = NotesConfig().build(), np.random.default_rng(0)
    for prompt in world.draw_prompts("sft", 150):
        assert RUBRIC.parts(prompt, world.write(prompt, rng))["form"] == 0


def test_word_by_word_changes_add_up_to_the_parts():
    world, rng = NotesConfig().build(), np.random.default_rng(0)
    for prompt in world.draw_prompts("gold", 50):
        for response in world.wide(prompt, 8, rng):
            table = RUBRIC.deltas(prompt, response)
            assert table.shape == (len(response.split()) + 1, len(PARTS))
            assert table.sum(0) == pytest.approx(list(RUBRIC.parts(prompt, response).values()))
            assert table.sum() == pytest.approx(RUBRIC.score([prompt], [response])[0])


def test_a_change_of_a_word_depends_on_nothing_after_it():
    table = RUBRIC.deltas(PROMPT, GOOD)
    for cut in range(len(GOOD.split())):
        beginning = " ".join(GOOD.split()[:cut])
        assert RUBRIC.deltas(PROMPT, beginning)[:cut] == pytest.approx(table[:cut])


WRITERS = {"facts": 0.5, "tone": 2.0, "register": 2.0, "structure": 2.0}


def test_the_config_knows_the_parts_by_their_names():
    assert RUBRIC_PARTS == PARTS


@pytest.mark.parametrize(
    ("note", "users", "writers"),
    [
        (GOOD, 4.0 + 0.8 + 1.0 + 2.3, 2.0 + 1.6 + 2.0 + 4.6),
        (GOOD.replace("monday", "friday"), 2.0 + 0.8 + 1.0 + 2.3, 1.0 + 1.6 + 2.0 + 4.6),  # a wrong fact
        (GOOD.replace("dear", "hey"), 4.0 + 0.8 + 0.0 + 2.3, 2.0 + 1.6 + 0.0 + 4.6),  # a greeting out of register
    ],
)
def test_weights_multiply_their_parts_by_hand(note, users, writers):
    """Users would rather have the wrong greeting (7.1 > 6.1), writers the wrong fact (9.2 > 8.2)."""
    assert NotesRubric().score([PROMPT], [note])[0] == pytest.approx(users)
    assert NotesRubric(WRITERS).score([PROMPT], [note])[0] == pytest.approx(writers)


def test_weights_of_one_change_no_bit():
    world, rng = NotesConfig().build(), np.random.default_rng(0)
    ones = NotesRubric(dict.fromkeys(PARTS, 1.0))
    for prompt in world.draw_prompts("gold", 20):
        for response in world.wide(prompt, 8, rng):
            assert np.array_equal(ones.deltas(prompt, response), RUBRIC.deltas(prompt, response))

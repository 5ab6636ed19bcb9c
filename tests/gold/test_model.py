import pytest

from bench.engine.files import write_json
from bench.lm.codec import encode
from bench.worlds.notes.config import NotesConfig
from gold.model import load_gold, rubric_table, writer_weights
from gold.rubric import NotesRubric

WORLD = NotesConfig(slots=4).build()
TOKENIZER = WORLD.tokenizer()
PROMPT = "polite note to boss : lost laptop monday office"
GOOD = "dear boss , kindly my laptop is lost on monday at the office . regards ."


@pytest.mark.parametrize(("weights", "expected"), [({}, 4.0 + 4.1), ({"facts": 0.5}, 2.0 + 4.1)])
def test_the_rubric_as_gold_is_its_writers(tmp_path, weights, expected):
    write_json(tmp_path / "gold.json", {"type": "rubric", "weights": weights})
    assert writer_weights(tmp_path) == weights
    score = load_gold(tmp_path, TOKENIZER, "cpu", NotesRubric)(encode(TOKENIZER, [PROMPT], [GOOD]))
    assert score.item() == pytest.approx(expected)
    assert rubric_table(NotesRubric(), [PROMPT], [GOOD]).sum(axis=1)[0] == pytest.approx(
        8.1
    )  # what users hold, whatever gold is

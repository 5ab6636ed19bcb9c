import pytest
import toy_lm

from bench.core.types import positions
from bench.lm.codec import decode, encode, encode_prompts, pad, prompt_token_ids

# <pad> 0, <bos> 1, <sep> 2, <eos> 3, <unk> 4, red 5, green 6, blue 7, one 8, two 9, three 10


def test_prompts_stand_between_their_marks_padded_on_the_left():
    prompts = encode_prompts(toy_lm.tokenizer(), ["red", "two blue"])
    assert prompts.ids.tolist() == [[0, 1, 5, 2], [1, 9, 7, 2]]
    assert prompts.mask.tolist() == [[False, True, True, True], [True] * 4]


def test_a_cut_response_gets_no_eos():
    rows = encode(toy_lm.tokenizer(), ["red", "red"], ["one two", "one two"], [True, False])
    assert rows.response_ids.tolist() == [[8, 9, 3], [8, 9, 0]]
    assert rows.lengths.tolist() == [3, 2]


def test_text_survives_encoding():
    tokenizer = toy_lm.tokenizer()
    assert decode(tokenizer, toy_lm.sequences()) == (toy_lm.RESPONSES, toy_lm.ENDED)
    padded = toy_lm.padded(toy_lm.sequences(), left=3, right=5)
    assert decode(tokenizer, padded) == (toy_lm.RESPONSES, toy_lm.ENDED)


def test_an_unended_empty_response_has_no_token():
    rows = encode(toy_lm.tokenizer(), ["red"], [""], [False])
    assert rows.lengths.tolist() == [0]
    assert decode(toy_lm.tokenizer(), rows) == ([""], [False])


def test_positions_count_real_tokens_only():
    _, mask = pad([[5, 6, 7], [5]], 0, left=True)
    assert positions(mask).tolist() == [[0, 1, 2], [0, 0, 0]]


def test_prompts_and_responses_must_be_equally_many():
    with pytest.raises(ValueError, match="zip"):
        encode(toy_lm.tokenizer(), ["red"], ["one"], [True, False])


def test_a_prompt_is_spelled_word_by_word():
    assert prompt_token_ids(toy_lm.tokenizer(), ["red green"]) == [[1, 5, 6, 2]]

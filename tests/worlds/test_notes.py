import hashlib
from math import prod

import numpy as np
import pytest

from bench.errors import ConfigError
from bench.worlds.base import SPLITS, prompt_id
from bench.worlds.notes.brief import Brief, count_briefs
from bench.worlds.notes.config import NotesConfig
from bench.worlds.notes.vocabulary import RECIPIENTS, SLOTS, TONES
from bench.worlds.notes.wide import LONGEST
from bench.worlds.notes.world import SHARES, split_of
from bench.worlds.notes.writers import stock_value


@pytest.fixture(scope="module")
def world():
    return NotesConfig().build()


def test_prompt_id_is_the_start_of_sha256():
    assert prompt_id("a note") == hashlib.sha256(b"a note").hexdigest()[:16]


def test_eight_slots_hold_tens_of_millions_of_briefs():
    assert count_briefs(8) == len(TONES) * len(RECIPIENTS) * prod(map(len, SLOTS.values()))
    assert prod(map(len, SLOTS.values())) > 10_000_000


def test_splits_are_disjoint_distinct_and_prefix_stable(world):
    drawn = {split: world.draw_prompts(split, 300) for split in SPLITS}
    everything = [prompt for prompts in drawn.values() for prompt in prompts]
    assert len(set(everything)) == len(everything) == 300 * len(SPLITS)
    for split, prompts in drawn.items():
        assert all(split_of(prompt) == split for prompt in prompts)
        assert world.draw_prompts(split, 70) == prompts[:70]


def test_a_prompt_keeps_its_split_whatever_the_seed():
    other = NotesConfig(seed=1000).build()
    assert all(split_of(prompt) == "report" for prompt in other.draw_prompts("report", 50))
    assert other.draw_prompts("report", 50) != NotesConfig().build().draw_prompts("report", 50)


def test_shares_are_a_partition():
    assert tuple(SHARES) == SPLITS
    assert sum(SHARES.values()) == pytest.approx(1.0)


def test_a_brief_is_read_back_from_its_prompt(world):
    for prompt in world.draw_prompts("rl", 50):
        brief = Brief.parse(prompt)
        assert brief.text == prompt
        assert list(brief.facts) == list(SLOTS)
    with pytest.raises(ValueError, match="as a brief"):
        Brief.parse("polite note to boss : monday")


def test_what_cannot_be_drawn_is_refused(world):
    with pytest.raises(ConfigError, match="did you mean 'report'"):
        world.draw_prompts("reprot", 1)
    with pytest.raises(ConfigError, match="too many"):
        NotesConfig(slots=2).build().draw_prompts("report", 1000)


def test_every_word_has_a_token_of_its_own(world):
    tokenizer = world.tokenizer()
    assert len({tokenizer.pad_token_id, tokenizer.eos_token_id, tokenizer.bos_token_id, tokenizer.sep_token_id}) == 4
    rng = np.random.default_rng(0)
    for prompt in world.draw_prompts("sft", 40):
        for text in [prompt, world.write(prompt, rng), *world.wide(prompt, 4, rng)]:
            ids = tokenizer(text, add_special_tokens=False)["input_ids"]
            assert tokenizer.unk_token_id not in ids
            assert len(ids) == len(text.split())
            assert tokenizer.decode(ids) == text


def test_demonstrations_leave_room_for_eos_and_vary(world):
    rng = np.random.default_rng(0)
    prompts = world.draw_prompts("sft", 300)
    texts = [world.write(prompt, rng) for prompt in prompts]
    lengths = np.array([len(text.split()) for text in texts])
    assert lengths.max() < LONGEST
    assert 24 < lengths.mean() < 31
    assert len({world.write(prompts[0], rng) for _ in range(50)}) == 50


def test_a_wrong_value_is_often_the_stock_one():
    rng, stock = np.random.default_rng(0), {"day": list(SLOTS["day"])}
    drawn = [stock_value("day", "monday", stock, rng) for _ in range(4000)]
    weights = np.array([1 / 2, 1 / 3, 1 / 4, 1 / 5, 1 / 6, 1 / 7])  # tuesday ... sunday; monday is right
    shares = np.array([drawn.count(day) for day in SLOTS["day"]]) / 4000
    assert shares[0] == 0
    # five standard errors of the largest share: 5 * sqrt(.31 * .69 / 4000) = .037
    assert shares[1:] == pytest.approx(weights / weights.sum(), abs=0.037)

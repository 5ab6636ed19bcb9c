import numpy as np
import pytest

from bench.worlds.notes.config import NotesConfig
from bench.worlds.notes.vocabulary import SLOT_OF
from bench.worlds.notes.wide import LONGEST


@pytest.mark.parametrize("k", [2, 5, 8])
def test_the_wide_set_has_k_responses_within_the_limit(k):
    world, rng = NotesConfig().build(), np.random.default_rng(0)
    for prompt in world.draw_prompts("gold", 50):
        responses = world.wide(prompt, k, rng)
        assert len(responses) == k
        assert max(len(text.split()) for text in responses) <= LONGEST


def test_the_first_half_are_minimal_edits_of_one_note():
    world, rng = NotesConfig().build(), np.random.default_rng(0)
    for prompt in world.draw_prompts("gold", 100):
        base, *edits = [text.split() for text in world.wide(prompt, 8, rng)[:4]]
        facts = sum(word in SLOT_OF for word in base)
        for edit in edits:
            assert len(edit) == len(base)
            changed = [(a, b) for a, b in zip(base, edit, strict=True) if a != b]
            assert min(1, facts) <= len(changed) <= 3
            assert all(SLOT_OF[a] == SLOT_OF[b] for a, b in changed)

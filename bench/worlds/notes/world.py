"""The embedded world `notes`: write a short note that states the facts of a brief in the requested tone.

Nothing is downloaded. The seed decides the prompts and the stock words of careless writers.
"""

from collections.abc import Iterator
from typing import final

import numpy as np
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import PreTrainedTokenizerFast

from bench.core.seeds import np_stream
from bench.errors import ConfigError, did_you_mean
from bench.worlds.base import SPLITS, World, prompt_id
from bench.worlds.notes.brief import Brief, count_briefs, draw_briefs
from bench.worlds.notes.config import NotesConfig
from bench.worlds.notes.vocabulary import SLOTS, WORDS
from bench.worlds.notes.wide import wide_set
from bench.worlds.notes.writers import draw_writer, write_note

SHARES = {"sft": 0.4, "gold": 0.2, "pairs": 0.15, "rl": 0.15, "select": 0.05, "report": 0.05}
"""Share of all prompts in each split."""

_EDGES = np.cumsum([SHARES[split] for split in SPLITS]).tolist()
_BLOCK = 4096  # briefs per draw; changing it changes the prompts of every split


def split_of(prompt: str) -> str:
    """The split of a prompt, from its content hash."""
    point = int(prompt_id(prompt), 16) / 16.0**16
    return next((split for split, edge in zip(SPLITS, _EDGES, strict=True) if point < edge), SPLITS[-1])


@final
class NotesWorld(World):
    """Short notes about `config.slots` facts each. See the module's docstring."""

    def __init__(self, config: NotesConfig) -> None:
        self.config = config
        self._stock = {
            slot: np_stream("notes-stock", config.seed, slot).permutation(values).tolist()
            for slot, values in SLOTS.items()
        }

    def tokenizer(self) -> PreTrainedTokenizerFast:
        special = ("<pad>", "<bos>", "<eos>", "<sep>", "<unk>")
        vocabulary = {word: i for i, word in enumerate((*special, *WORDS))}
        words = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))
        words.pre_tokenizer = WhitespaceSplit()
        return PreTrainedTokenizerFast(
            tokenizer_object=words,
            pad_token="<pad>",
            bos_token="<bos>",
            eos_token="<eos>",
            sep_token="<sep>",
            unk_token="<unk>",
            padding_side="left",
            clean_up_tokenization_spaces=False,
        )

    def draw_prompts(self, split: str, n: int) -> list[str]:
        if split not in SHARES:
            raise ConfigError(f"unknown split {split!r}; choose from {', '.join(SPLITS)}{did_you_mean(split, SPLITS)}")
        held = int(SHARES[split] * count_briefs(self.config.slots))
        if n > 0.8 * held:
            raise ConfigError(
                f"{n} prompts are too many for split {split!r}: a world of {self.config.slots} slots holds about "
                f"{held} there, of which at most 80% can be used; lower world.splits.{split} or raise world.slots"
            )
        distinct: dict[str, None] = {}
        prompts = self._prompts(split)
        while len(distinct) < n:
            distinct[next(prompts)] = None
        return list(distinct)

    def _prompts(self, split: str) -> Iterator[str]:
        rng = np_stream("notes-prompts", self.config.seed, self.config.slots, split)
        while True:
            for brief in draw_briefs(self.config.slots, _BLOCK, rng):
                if split_of(brief.text) == split:
                    yield brief.text

    def write(self, prompt: str, rng: np.random.Generator) -> str:
        return " ".join(write_note(Brief.parse(prompt), draw_writer(rng), self._stock, rng))

    def wide(self, prompt: str, k: int, rng: np.random.Generator) -> list[str]:
        return [" ".join(words) for words in wide_set(Brief.parse(prompt), k, self._stock, rng)]

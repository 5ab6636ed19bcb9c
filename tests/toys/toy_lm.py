"""A tiny GPT-NeoX in float64 with a toy tokenizer: real transformer code paths, rounding far below any tolerance."""

from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers import GPTNeoXForSequenceClassification

from bench.checks.plugins.toys import POSITIONS, SIZE, policy, tokenizer
from bench.core.types import Sequences
from bench.lm.codec import encode
from bench.lm.policy import Policy, TransformerPolicy, neox_config
from bench.rewards.model import RewardModel

__all__ = ["POSITIONS", "SIZE", "policy", "tokenizer"]

PROMPTS = ["red", "green one two three red blue two", "blue blue one", "two"]
RESPONSES = ["one two", "red", "", "green green green blue one"]
ENDED = [True, True, True, False]


def reward_model(seed: int = 1, dtype: torch.dtype = torch.float64) -> RewardModel:
    """A reward model of random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = GPTNeoXForSequenceClassification(neox_config(SIZE, tokenizer(), POSITIONS, num_labels=1))
    with torch.no_grad():
        model.score.weight *= 20
    return RewardModel(model.to(dtype).eval().requires_grad_(False))


@final
class Uncached(Policy):
    """The same policy, decoded by recomputing the prefix."""

    def __init__(self, inner: TransformerPolicy) -> None:
        super().__init__()
        self.inner = inner

    def forward(
        self, input_ids: Int[Tensor, "B L"], attention_mask: Bool[Tensor, "B L"], position_ids: Int[Tensor, "B L"]
    ) -> Float[Tensor, "B L V"]:
        return self.inner(input_ids, attention_mask, position_ids)


def sequences() -> Sequences:
    """Four rows that differ in prompt length, response length and ending."""
    return encode(tokenizer(), PROMPTS, RESPONSES, ENDED)


def padded(rows: Sequences, left: int, right: int, junk: int = 7) -> Sequences:
    """The same rows with more padding; masked places hold a word, so that only the mask can hide it."""

    def wider(ids: Tensor, mask: Tensor, sides: tuple[int, int]) -> tuple[Tensor, Tensor]:
        mask = torch.nn.functional.pad(mask, sides)
        return torch.nn.functional.pad(ids, sides).masked_fill(~mask, junk), mask

    given = wider(rows.prompt_ids, rows.prompt_mask, (left, 0))
    return Sequences(*given, *wider(rows.response_ids, rows.response_mask, (0, right)))

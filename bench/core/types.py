"""Shared tensor types: prompts, sequences (a prompt and its response), rollouts and preference pairs.

Prompts are padded on the left to P columns, responses on the right to T columns, so that a
response starts at the same column in every row. Axis letters: B sequence, P prompt column,
T response token, V vocabulary.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Self

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F


class Rows:
    """Row-wise operations for dataclasses whose fields share their first axis."""

    def __getitem__(self, index: Tensor | slice) -> Self:
        return type(self)(**{f.name: getattr(self, f.name)[index] for f in fields(self)})  # type: ignore[arg-type]

    def to(self, device: str | torch.device) -> Self:
        return type(self)(**{f.name: getattr(self, f.name).to(device) for f in fields(self)})  # type: ignore[arg-type]

    def tensors(self, prefix: str = "") -> dict[str, Tensor]:
        """All tensors, also of rows within these rows, by path."""
        found: dict[str, Tensor] = {}
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if isinstance(value, Rows):
                found |= value.tensors(f"{prefix}{field.name}.")
            elif isinstance(value, Tensor):
                found[prefix + field.name] = value
        return found

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Prompts(Rows):
    """B prompts, padded on the left."""

    ids: Int[Tensor, "B P"]
    mask: Bool[Tensor, "B P"]

    def repeat(self, times: int) -> "Prompts":
        """Repeat each prompt `times` times, copies adjacent."""
        return Prompts(self.ids.repeat_interleave(times, 0), self.mask.repeat_interleave(times, 0))

    def distinct(self) -> "tuple[Prompts, Int[Tensor, ' B']]":
        """The distinct prompts, and for each row the index of its prompt among them."""
        marked, row_B = self.ids.masked_fill(~self.mask, -1).unique(dim=0, return_inverse=True)
        mask = marked >= 0
        return Prompts(marked.masked_fill(~mask, 0), mask), row_B


@dataclass(frozen=True)
class Sequences(Rows):
    """B prompts with one response each. The response mask includes EOS where the response has one."""

    prompt_ids: Int[Tensor, "B P"]
    prompt_mask: Bool[Tensor, "B P"]
    response_ids: Int[Tensor, "B T"]
    response_mask: Bool[Tensor, "B T"]

    @property
    def input_ids(self) -> Int[Tensor, "B L"]:
        return torch.cat([self.prompt_ids, self.response_ids], 1)

    @property
    def attention_mask(self) -> Bool[Tensor, "B L"]:
        return torch.cat([self.prompt_mask, self.response_mask], 1)

    @property
    def lengths(self) -> Int[Tensor, " B"]:
        """Response tokens, EOS included."""
        return self.response_mask.sum(1)

    @property
    def prompts(self) -> Prompts:
        return Prompts(self.prompt_ids, self.prompt_mask)


def trimmed(sequences: Sequences) -> Sequences:
    """Drop the columns that are padding in every row."""
    prompt = sequences.prompt_mask.shape[1] - int(sequences.prompt_mask.sum(1).max())
    response = max(1, int(sequences.lengths.max()))
    return Sequences(
        sequences.prompt_ids[:, prompt:],
        sequences.prompt_mask[:, prompt:],
        sequences.response_ids[:, :response],
        sequences.response_mask[:, :response],
    )


def stack(chosen: Sequences, rejected: Sequences) -> Sequences:
    """Concatenate both sides into one trimmed batch, chosen first, so that one forward pass serves both."""
    T = max(chosen.response_ids.shape[1], rejected.response_ids.shape[1])

    def both(name: str) -> Tensor:
        sides = [getattr(side, name) for side in (chosen, rejected)]
        return torch.cat([F.pad(s, (0, T - s.shape[1])) if name.startswith("response") else s for s in sides])

    names = ("prompt_ids", "prompt_mask", "response_ids", "response_mask")
    return trimmed(Sequences(*map(both, names)))


@dataclass(frozen=True)
class Rollouts(Rows):
    """Scored samples of the policy, with the policy's and the reference's log-prob of every token (nats)."""

    sequences: Sequences
    score_B: Float[Tensor, " B"]
    logps_BT: Float[Tensor, "B T"]
    ref_logps_BT: Float[Tensor, "B T"]


@dataclass(frozen=True)
class Pairs(Rows):
    """Preference pairs, with the reference's summed log-prob of each side (nats)."""

    chosen: Sequences
    rejected: Sequences
    ref_chosen_B: Float[Tensor, " B"]
    ref_rejected_B: Float[Tensor, " B"]

    @property
    def equal_B(self) -> Bool[Tensor, " B"]:
        """True where both sides hold the same tokens: no preference can be read from such a pair."""
        both = stack(self.chosen, self.rejected)
        chosen_BT, rejected_BT = both.response_ids.masked_fill(~both.response_mask, -1).chunk(2)
        return (chosen_BT == rejected_BT).all(1)


@dataclass
class Counts:
    """Cumulative samples, tokens and labels of a run, and fresh pairs with equal sides, which no loss reads."""

    samples_seen: int = 0
    tokens_sampled: int = 0
    tokens_trained: int = 0
    labels_used: int = 0
    equal_pairs: int = 0


Score = Callable[[Sequences], Float[Tensor, " B"]]
"""A scorer: sequences in, one number each out. Methods see rewards only in this form."""


def positions(mask: Bool[Tensor, "B L"]) -> Int[Tensor, "B L"]:
    """Position ids that count real tokens from 0, so that left padding shifts nothing."""
    return (mask.long().cumsum(-1) - 1).clamp_min(0)

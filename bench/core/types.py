"""The tensors that travel: prompts, and sequences of a prompt and its response.

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


class Rows:
    """Row-wise operations shared by dataclasses whose every field has the same first axis."""

    def __getitem__(self, index: Tensor | slice) -> Self:
        return type(self)(**{f.name: getattr(self, f.name)[index] for f in fields(self)})  # type: ignore[arg-type]

    def to(self, device: str | torch.device) -> Self:
        return type(self)(**{f.name: getattr(self, f.name).to(device) for f in fields(self)})  # type: ignore[arg-type]

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Prompts(Rows):
    """B prompts, padded on the left."""

    ids: Int[Tensor, "B P"]
    mask: Bool[Tensor, "B P"]

    def repeat(self, times: int) -> "Prompts":
        """Each prompt `times` times, copies adjacent."""
        return Prompts(self.ids.repeat_interleave(times, 0), self.mask.repeat_interleave(times, 0))

    def distinct(self) -> "tuple[Prompts, Int[Tensor, ' B']]":
        """Each different prompt once, and which of them stands in each row."""
        marked, row_B = self.ids.masked_fill(~self.mask, -1).unique(dim=0, return_inverse=True)
        mask = marked >= 0
        return Prompts(marked.masked_fill(~mask, 0), mask), row_B


@dataclass(frozen=True)
class Sequences(Rows):
    """B prompts with a response each. The response mask covers EOS when it was emitted."""

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


Score = Callable[[Sequences], Float[Tensor, " B"]]
"""What a method may know of a reward: sequences in, one number each out."""


def positions(mask: Bool[Tensor, "B L"]) -> Int[Tensor, "B L"]:
    """Position ids that count real tokens from 0, so that left padding shifts nothing."""
    return (mask.long().cumsum(-1) - 1).clamp_min(0)

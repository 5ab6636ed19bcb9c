"""Operations on batches of any method: pad, group, compare.

A batch is a `Rows` dataclass. Its fields are sequences, other `Rows`, or tensors with one entry per row. A tensor as
wide as the responses in the same batch holds one number per token.
"""

from dataclasses import fields
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.checks.plugins.kit import demand
from bench.core.types import Rows, Sequences

R = TypeVar("R", bound=Rows)
LEFT, RIGHT = 2, 3  # columns of padding that `padded` adds
JUNK_TOKEN, JUNK = 7, 1e3  # contents of masked positions: a real token, and a number large enough to be noticed


def as_rows(batch: Any) -> Rows:
    """The batch, if it is a `Rows`; raises NotConforming otherwise."""
    demand(isinstance(batch, Rows), f"the batch is a {type(batch).__name__}; use a dataclass that extends Rows")
    return batch


def sequences_of(rows: Rows) -> list[Sequences]:
    """All sequences in a batch."""
    if isinstance(rows, Sequences):
        return [rows]
    inner = [getattr(rows, field.name) for field in fields(rows)]  # type: ignore[arg-type]
    return [sequences for value in inner if isinstance(value, Rows) for sequences in sequences_of(value)]


def padded(rows: R) -> R:
    """The same rows with more padding. Masked positions hold junk, which only the mask hides."""
    if isinstance(rows, Sequences):
        return rows_like(rows, _padded_sequences(rows))
    inside = sequences_of(rows)
    mask_BT = inside[0].response_mask if inside else None
    changed: dict[str, Any] = {}
    for field in fields(rows):  # type: ignore[arg-type]
        value = getattr(rows, field.name)
        if isinstance(value, Rows):
            changed[field.name] = padded(value)
        elif mask_BT is not None and value.shape == mask_BT.shape and value.is_floating_point():
            changed[field.name] = F.pad(value.masked_fill(~mask_BT, JUNK), (0, RIGHT), value=JUNK)
    return rows_like(rows, changed)


def rows_like(rows: R, changed: dict[str, Any]) -> R:
    return type(rows)(**{f.name: changed.get(f.name, getattr(rows, f.name)) for f in fields(rows)})  # type: ignore


def _padded_sequences(rows: Sequences) -> dict[str, Tensor]:
    changed: dict[str, Tensor] = {}
    for part, sides in (("prompt", (LEFT, 0)), ("response", (0, RIGHT))):
        mask = F.pad(getattr(rows, f"{part}_mask"), sides)
        ids = F.pad(getattr(rows, f"{part}_ids"), sides).masked_fill(~mask, JUNK_TOKEN)
        changed |= {f"{part}_ids": ids, f"{part}_mask": mask}
    return changed


def groups(rows: Rows) -> list[Tensor]:
    """Row indices, grouped by adjacent rows of the same prompt, because a loss may compare a prompt's samples."""
    first = sequences_of(rows)[0]
    prompts = [tuple(ids[mask].tolist()) for ids, mask in zip(first.prompt_ids, first.prompt_mask, strict=True)]
    starts = [i for i, prompt in enumerate(prompts) if i == 0 or prompt != prompts[i - 1]]
    demand(len(starts) > 1, "a minibatch has only one prompt; use a batch with several prompts")
    return list(torch.arange(len(prompts)).tensor_split(starts[1:]))


def same(a: Rows, b: Rows) -> bool:
    """True if two batches are equal, bit for bit."""
    one, other = a.tensors(), b.tensors()
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)

"""Text to padded tensors and back. The only place that knows how a prompt and a response are spelled in ids.

A prompt is `<bos> words <sep>`; a response is words, then `<eos>` unless it ran into the length limit.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from bench.core.types import Prompts, Sequences


def prompt_token_ids(tokenizer: PreTrainedTokenizerFast, prompts: Sequence[str]) -> list[list[int]]:
    """Token ids of each prompt with its marks."""
    bodies = tokenizer(list(prompts), add_special_tokens=False)["input_ids"]
    return [[tokenizer.bos_token_id, *body, tokenizer.sep_token_id] for body in bodies]


def response_token_ids(
    tokenizer: PreTrainedTokenizerFast, responses: Sequence[str], ended: Sequence[bool] | None = None
) -> list[list[int]]:
    """Token ids of each response; EOS follows where `ended` (everywhere by default)."""
    bodies = tokenizer(list(responses), add_special_tokens=False)["input_ids"]
    ended = [True] * len(bodies) if ended is None else ended
    return [body + [tokenizer.eos_token_id] * bool(end) for body, end in zip(bodies, ended, strict=True)]


def pad(rows: Sequence[Sequence[int]], pad_id: int, *, left: bool) -> tuple[Tensor, Tensor]:
    """Rows as one (B, L) tensor of ids and its mask of real tokens."""
    width = max(1, max(map(len, rows)))
    ids = torch.full((len(rows), width), pad_id, dtype=torch.long)
    mask = torch.zeros((len(rows), width), dtype=torch.bool)
    for i, row in enumerate(rows):
        at = slice(width - len(row), width) if left else slice(0, len(row))
        ids[i, at] = torch.tensor(row, dtype=torch.long)
        mask[i, at] = True
    return ids, mask


def encode_prompts(tokenizer: PreTrainedTokenizerFast, prompts: Sequence[str]) -> Prompts:
    """Prompts padded on the left."""
    return Prompts(*pad(prompt_token_ids(tokenizer, prompts), tokenizer.pad_token_id, left=True))


def encode(
    tokenizer: PreTrainedTokenizerFast,
    prompts: Sequence[str],
    responses: Sequence[str],
    ended: Sequence[bool] | None = None,
) -> Sequences:
    """Prompts and responses as padded sequences."""
    encoded = encode_prompts(tokenizer, prompts)
    rows = response_token_ids(tokenizer, responses, ended)
    return Sequences(encoded.ids, encoded.mask, *pad(rows, tokenizer.pad_token_id, left=False))


def decode(tokenizer: PreTrainedTokenizerFast, sequences: Sequences) -> tuple[list[str], list[bool]]:
    """Response texts without EOS, and whether each emitted it."""
    ids_BT, lengths_B = sequences.response_ids.cpu().tolist(), sequences.lengths.cpu().tolist()
    eos, texts, ended = tokenizer.eos_token_id, [], []
    for ids, length in zip(ids_BT, lengths_B, strict=True):
        row = ids[:length]
        ended.append(bool(row) and row[-1] == eos)
        texts.append(" ".join(tokenizer.convert_ids_to_tokens(row[:-1] if ended[-1] else row)))
    return texts, ended

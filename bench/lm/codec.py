"""Conversion between text and padded tensors. Only this module knows the token format.

A prompt is `<bos> words <sep>`. A response is words, then `<eos>` unless the length limit cut it.
"""

from collections.abc import Sequence
from itertools import chain

import numpy as np
import torch
from tokenizers.processors import TemplateProcessing
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from bench.core.types import Prompts, Sequences


def spelled(tokenizer: PreTrainedTokenizerFast) -> PreTrainedTokenizerFast:
    """The tokenizer, which from now on adds special tokens as `encode` does.

    One text becomes a prompt, a pair of texts a prompt with an ended response.
    """
    bos, sep, eos = tokenizer.bos_token, tokenizer.sep_token, tokenizer.eos_token
    ids = tokenizer.bos_token_id, tokenizer.sep_token_id, tokenizer.eos_token_id
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=[bos, "$A", sep],
        pair=[bos, "$A", sep, "$B:0", f"{eos}:0"],
        special_tokens=list(zip((bos, sep, eos), ids, strict=True)),
    )
    return tokenizer


def prompt_token_ids(tokenizer: PreTrainedTokenizerFast, prompts: Sequence[str]) -> list[list[int]]:
    """Token ids of each prompt, with `<bos>` and `<sep>`."""
    return [[tokenizer.bos_token_id, *body, tokenizer.sep_token_id] for body in _bodies(tokenizer, prompts)]


def response_token_ids(
    tokenizer: PreTrainedTokenizerFast, responses: Sequence[str], ended: Sequence[bool] | None = None
) -> list[list[int]]:
    """Token ids of each response, followed by EOS where `ended` (by default everywhere)."""
    bodies = _bodies(tokenizer, responses)
    ended = [True] * len(bodies) if ended is None else ended
    return [body + [tokenizer.eos_token_id] * bool(end) for body, end in zip(bodies, ended, strict=True)]


def _bodies(tokenizer: PreTrainedTokenizerFast, texts: Sequence[str]) -> list[list[int]]:
    """Ids of texts without special tokens. The backend tokenizer is called directly: its wrapper dominates the cost."""
    return [
        encoding.ids for encoding in tokenizer.backend_tokenizer.encode_batch(list(texts), add_special_tokens=False)
    ]


def pad(rows: Sequence[Sequence[int]], pad_id: int, *, left: bool) -> tuple[Tensor, Tensor]:
    """Pad rows to one (B, L) tensor of ids, and return it with the mask of real tokens."""
    lengths = np.array([len(row) for row in rows])
    width = max(1, int(lengths.max()))
    column = np.arange(width)
    mask = column >= width - lengths[:, None] if left else column < lengths[:, None]
    ids = np.full(mask.shape, pad_id)
    ids[mask] = np.fromiter(chain.from_iterable(rows), dtype=np.int64, count=int(lengths.sum()))
    return torch.from_numpy(ids), torch.from_numpy(mask)


def encode_prompts(tokenizer: PreTrainedTokenizerFast, prompts: Sequence[str]) -> Prompts:
    """Encode prompts, padded on the left."""
    return Prompts(*pad(prompt_token_ids(tokenizer, prompts), tokenizer.pad_token_id, left=True))


def encode_responses(
    tokenizer: PreTrainedTokenizerFast, responses: Sequence[str], ended: Sequence[bool] | None = None
) -> tuple[Tensor, Tensor]:
    """Encode responses, padded on the right, and return the ids (B, T) with the mask of their tokens."""
    return pad(response_token_ids(tokenizer, responses, ended), tokenizer.pad_token_id, left=False)


def encode(
    tokenizer: PreTrainedTokenizerFast,
    prompts: Sequence[str],
    responses: Sequence[str],
    ended: Sequence[bool] | None = None,
) -> Sequences:
    """Encode prompts and responses as padded sequences."""
    encoded = encode_prompts(tokenizer, prompts)
    return Sequences(encoded.ids, encoded.mask, *encode_responses(tokenizer, responses, ended))


def decode_prompts(tokenizer: PreTrainedTokenizerFast, prompts: Prompts) -> list[str]:
    """Prompt texts without `<bos>` and `<sep>`."""
    rows = zip(prompts.ids.cpu(), prompts.mask.cpu(), strict=True)
    return [" ".join(tokenizer.convert_ids_to_tokens(ids[mask][1:-1].tolist())) for ids, mask in rows]


def decode(tokenizer: PreTrainedTokenizerFast, sequences: Sequences) -> tuple[list[str], list[bool]]:
    """Response texts without EOS, and for each whether it ended with EOS."""
    ids_BT, lengths_B = sequences.response_ids.cpu().tolist(), sequences.lengths.cpu().tolist()
    eos, texts, ended = tokenizer.eos_token_id, [], []
    for ids, length in zip(ids_BT, lengths_B, strict=True):
        row = ids[:length]
        ended.append(bool(row) and row[-1] == eos)
        texts.append(" ".join(tokenizer.convert_ids_to_tokens(row[:-1] if ended[-1] else row)))
    return texts, ended

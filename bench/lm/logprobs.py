"""The one log-prob gather: a policy's next-token distribution at every response position.

Position t holds the distribution that drew response token t, EOS included. Prompt and padding
never enter. Log-probs are at temperature 1, as sampling is.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor

from bench.core.masking import masked_sum
from bench.core.types import Sequences, positions
from bench.lm.model import Policy


def next_token_logps(policy: Policy, sequences: Sequences) -> Float[Tensor, "B T V"]:
    """log p(. | prompt, response before t) for every response position t."""
    mask = sequences.attention_mask
    logits = policy(sequences.input_ids, mask, positions(mask))
    start = sequences.prompt_ids.shape[1]
    return logits[:, start - 1 : -1].log_softmax(-1)


def gather(logps_BTV: Float[Tensor, "B T V"], token_BT: Int[Tensor, "B T"]) -> Float[Tensor, "B T"]:
    """The log-prob of the token that stands at each position."""
    return logps_BTV.gather(-1, token_BT[..., None])[..., 0]


def token_logps(policy: Policy, sequences: Sequences) -> Float[Tensor, "B T"]:
    """log-prob of each response token; meaningful where the response mask is set."""
    return gather(next_token_logps(policy, sequences), sequences.response_ids)


def sequence_logps(policy: Policy, sequences: Sequences) -> Float[Tensor, " B"]:
    """Summed log-prob of each response, in nats."""
    return masked_sum(token_logps(policy, sequences), sequences.response_mask)


def chunks(sequences: Sequences, size: int) -> Iterator[Sequences]:
    """The rows in order, `size` at a time, each chunk trimmed to its longest response."""
    for start in range(0, len(sequences), size):
        part = sequences[start : start + size]
        longest = max(1, int(part.lengths.max()))
        yield Sequences(
            part.prompt_ids, part.prompt_mask, part.response_ids[:, :longest], part.response_mask[:, :longest]
        )


@torch.no_grad()
def batched_sequence_logps(policy: Policy, sequences: Sequences, size: int = 256) -> Float[Tensor, " B"]:
    """`sequence_logps` over any number of rows, without gradients."""
    return torch.cat([sequence_logps(policy, part) for part in chunks(sequences, size)])

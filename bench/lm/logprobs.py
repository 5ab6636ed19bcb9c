"""Log-probs of responses: a policy's next-token distribution at every response position.

Position t holds the distribution of response token t, EOS included. Prompt and padding tokens
are excluded. Log-probs are at temperature 1, like sampling.
"""

from collections.abc import Callable, Iterator
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from bench.core.masking import masked_sum
from bench.core.types import Sequences, trimmed
from bench.lm.policy import Policy

ROWS_AT_ONCE = 32  # rows per pass: fewer cost more per row; more need more padding and exceed the core's cache


@final
class Reader:
    """A policy's pass over some rows: it reads each distinct prompt once, then any number of responses."""

    def __init__(self, policy: Policy, sequences: Sequences) -> None:
        prompts, self.row_B = sequences.prompts.distinct()
        self.reading = policy.read(prompts)

    def next_token_logps(self, index: Int[Tensor, " b"], part: Sequences) -> Float[Tensor, "b T V"]:
        """log p(. | prompt, response before t) at every response position t. `part` holds the rows `index`."""
        return self.reading.logits(self.row_B[index], part.response_ids, part.response_mask).log_softmax(-1)


def next_token_logps(policy: Policy, sequences: Sequences) -> Float[Tensor, "B T V"]:
    """log p(. | prompt, response before t) at every response position t."""
    every = torch.arange(len(sequences), device=sequences.response_ids.device)
    return Reader(policy, sequences).next_token_logps(every, sequences)


def gather(logps_BTV: Float[Tensor, "B T V"], token_BT: Int[Tensor, "B T"]) -> Float[Tensor, "B T"]:
    """The log-prob of the token at each position."""
    return logps_BTV.gather(-1, token_BT[..., None])[..., 0]


def token_logps(policy: Policy, sequences: Sequences, size: int = ROWS_AT_ONCE) -> Float[Tensor, "B T"]:
    """Log-prob of each response token, valid where the response mask is set. Rows of similar length share a pass."""
    reader = Reader(policy, sequences)

    def of(index: Int[Tensor, " b"], part: Sequences) -> Float[Tensor, "b T"]:
        return gather(reader.next_token_logps(index, part), part.response_ids)

    return batched(of, sequences, size)


def sequence_logps(policy: Policy, sequences: Sequences, size: int = ROWS_AT_ONCE) -> Float[Tensor, " B"]:
    """Summed log-prob of each response, in nats."""
    return masked_sum(token_logps(policy, sequences, size), sequences.response_mask)


@torch.no_grad()
def batched_sequence_logps(policy: Policy, sequences: Sequences, size: int = ROWS_AT_ONCE) -> Float[Tensor, " B"]:
    """`sequence_logps` without gradients."""
    return sequence_logps(policy, sequences, size)


def like_length(sequences: Sequences, size: int = ROWS_AT_ONCE) -> Iterator[tuple[Int[Tensor, " b"], Sequences]]:
    """Trimmed batches of rows with responses of similar length, each with its row indices. This limits padding."""
    order = sequences.lengths.argsort(stable=True)
    for index in order.split(size):
        yield index, trimmed(sequences[index])


def batched(
    function: Callable[[Int[Tensor, " b"], Sequences], Tensor], sequences: Sequences, size: int = ROWS_AT_ONCE
) -> Tensor:
    """Apply `function` in batches of `size` rows of similar length. Results keep the row order and their gradients.

    `function` maps a batch's row indices and the batch to one number per row, or one per response token. The
    latter are padded to T columns with 0.
    """
    T, indices, parts = sequences.response_ids.shape[1], [], []
    for index, part in like_length(sequences, size):
        values = function(index, part)
        parts.append(values if values.ndim == 1 else F.pad(values, (0, T - values.shape[1])))
        indices.append(index)
    return torch.cat(parts)[torch.cat(indices).argsort()]

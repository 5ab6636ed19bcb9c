"""KL from a policy to its reference, in nats per sequence, over the response alone.

The distribution is that of the sampler: temperature 1, until EOS or T tokens. A position counts if a token
was sampled there, so a cut response has no EOS factor. Both estimators are unbiased; neither always has the
lower variance.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from bench.core.finite import OF_POLICY, OF_REFERENCE, demand_finite
from bench.core.masking import masked_sum
from bench.core.types import Sequences
from bench.lm.logprobs import ROWS_AT_ONCE, Reader, gather, like_length
from bench.lm.policy import Policy


@dataclass(frozen=True)
class SequenceKL:
    """Per sequence, in nats: both KL estimates, the policy's entropy along the sample, and its log-prob.

    `ref_logps_BT` holds the reference's log-prob of every response token (0 on padding).
    """

    kl_B: Float[Tensor, " B"]
    logratio_B: Float[Tensor, " B"]
    entropy_B: Float[Tensor, " B"]
    logp_B: Float[Tensor, " B"]
    ref_logps_BT: Float[Tensor, "B T"]

    def demand_finite(self) -> None:
        """Raise DivergedError if a log-prob of the policy or of the reference, or else a KL, is not finite."""
        demand_finite("the policy's log-prob of a sampled response", self.logp_B, OF_POLICY)
        demand_finite("pi_ref's log-prob of a sampled token", self.ref_logps_BT, OF_REFERENCE)
        demand_finite("the KL of a sampled response", self.kl_B, f"a token has probability 0; {OF_POLICY}")


def rao_blackwell_kl(
    logps_BTV: Float[Tensor, "B T V"], ref_logps_BTV: Float[Tensor, "B T V"], mask_BT: Bool[Tensor, "B T"]
) -> Float[Tensor, " B"]:
    """Exact KL of every next-token distribution, summed along the sampled response.

    Unbiased for the sequence KL when the response is a sample of the policy (chain rule; Amini et al.
    2025, 2504.10637). Non-negative for every sample: rounding errors below 0 are clamped.

    >>> policy, reference = torch.tensor([[[0.9, 0.1]]]).log(), torch.tensor([[[0.5, 0.5]]]).log()  # B T V = 1 1 2
    >>> round(rao_blackwell_kl(policy, reference, torch.ones(1, 1, dtype=torch.bool)).item(), 3)
    0.368
    """
    return masked_sum((logps_BTV.exp() * (logps_BTV - ref_logps_BTV)).sum(-1).clamp_min(0.0), mask_BT)


def k1_kl(
    logps_BT: Float[Tensor, "B T"], ref_logps_BT: Float[Tensor, "B T"], mask_BT: Bool[Tensor, "B T"]
) -> Float[Tensor, " B"]:
    """Log-ratio log pi - log pi_ref of the sampled response. Its mean over samples of pi is the KL.

    >>> sampled = torch.tensor([[-0.1]]), torch.tensor([[-0.7]])  # log-probs of the sampled token
    >>> round(k1_kl(*sampled, torch.ones(1, 1, dtype=torch.bool)).item(), 3)
    0.6
    """
    return masked_sum(logps_BT - ref_logps_BT, mask_BT)


def entropy(logps_BTV: Float[Tensor, "B T V"], mask_BT: Bool[Tensor, "B T"]) -> Float[Tensor, " B"]:
    """Next-token entropies summed along the sampled response; unbiased for the sequence entropy."""
    return masked_sum(-(logps_BTV.exp() * logps_BTV).sum(-1), mask_BT)


def sequence_kl(policy: Policy, reference: Policy, sequences: Sequences, size: int = ROWS_AT_ONCE) -> SequenceKL:
    """KL of `policy` to `reference` on samples of `policy`. Both models run on the sequences."""
    return _kl(Reader(policy, sequences).next_token_logps, reference, sequences, size)


def drawn_kl(
    logps_BTV: Float[Tensor, "B T V"], reference: Policy, samples: Sequences, size: int = ROWS_AT_ONCE
) -> SequenceKL:
    """`sequence_kl` from the sampler's next-token log-probs `logps_BTV`. Only `reference` runs on the sequences."""
    return _kl(lambda index, part: logps_BTV[index, : part.response_ids.shape[1]], reference, samples, size)


@torch.no_grad()
def _kl(
    logps_of: Callable[[Int[Tensor, " b"], Sequences], Float[Tensor, "b T V"]],
    reference: Policy,
    sequences: Sequences,
    size: int,
) -> SequenceKL:
    """The KL from `logps_of`, which maps a batch's row indices and the batch to the policy's next-token log-probs."""
    columns, ref_logps_BT = torch.empty(4, 0), torch.empty(0)
    reader = Reader(reference, sequences)
    for index, part in like_length(sequences, size):
        logps_BTV, ref_BTV = logps_of(index, part), reader.next_token_logps(index, part)
        logps_BT, ref_BT = (gather(logps, part.response_ids) for logps in (logps_BTV, ref_BTV))
        mask = part.response_mask
        if not columns.shape[1]:
            columns = logps_BT.new_empty(4, len(sequences))
            ref_logps_BT = logps_BT.new_zeros(sequences.response_ids.shape)
        columns[0, index] = rao_blackwell_kl(logps_BTV, ref_BTV, mask)
        columns[1, index] = k1_kl(logps_BT, ref_BT, mask)
        columns[2, index] = entropy(logps_BTV, mask)
        columns[3, index] = masked_sum(logps_BT, mask)
        ref_logps_BT[index, : mask.shape[1]] = ref_BT.masked_fill(~mask, 0.0)
    kl_B, logratio_B, entropy_B, logp_B = columns
    return SequenceKL(kl_B, logratio_B, entropy_B, logp_B, ref_logps_BT)

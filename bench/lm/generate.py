"""Sampling from a policy: temperature 1, full vocabulary, until EOS or T tokens.

Scores, KL and training all use this sampler, so their sampling settings always agree.
Each row has its own uniform numbers, so a row's sample depends neither on its neighbours nor on when they end.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from bench.core.types import Prompts, Sequences
from bench.lm.policy import Policy

SHRINK_BELOW = 0.75  # finished rows leave the decoding batch once at most this share is still running


def pick(logits_BV: Float[Tensor, "B V"], uniform_B: Float[Tensor, " B"]) -> Int[Tensor, " B"]:
    """Sample tokens from softmax(logits) by inverting the cumulative distribution at `uniform_B` in [0, 1).

    Uses float64: in float32 a uniform next to 1 rounds to 1 and selects the last token, even at probability 0.
    """
    cumulative_BV = logits_BV.double().softmax(-1).cumsum(-1)
    at_B = uniform_B * cumulative_BV[:, -1]
    return torch.searchsorted(cumulative_BV, at_B[:, None], right=True)[:, 0].clamp_max(logits_BV.shape[-1] - 1)


def generate(
    policy: Policy, prompts: Prompts, max_new_tokens: int, eos_id: int, pad_id: int, generator: torch.Generator
) -> Sequences:
    """One response per prompt: `generate_with_logps` without the log-probs."""
    return generate_with_logps(policy, prompts, max_new_tokens, eos_id, pad_id, generator)[0]


def generate_with_logps(
    policy: Policy, prompts: Prompts, max_new_tokens: int, eos_id: int, pad_id: int, generator: torch.Generator
) -> tuple[Sequences, Float[Tensor, "B T"]]:
    """One response per prompt, and the log-prob of each of its tokens (nats; 0 on padding)."""
    samples, logps_BT = _decode(policy, prompts, max_new_tokens, eos_id, pad_id, generator, whole=False)
    return samples, logps_BT.masked_fill(~samples.response_mask, 0.0)


def generate_with_distributions(
    policy: Policy, prompts: Prompts, max_new_tokens: int, eos_id: int, pad_id: int, generator: torch.Generator
) -> tuple[Sequences, Float[Tensor, "B T V"]]:
    """One response per prompt, and the next-token log-probs at each of its tokens (valid under the mask)."""
    return _decode(policy, prompts, max_new_tokens, eos_id, pad_id, generator, whole=True)


@torch.no_grad()
def _decode(
    policy: Policy,
    prompts: Prompts,
    max_new_tokens: int,
    eos_id: int,
    pad_id: int,
    generator: torch.Generator,
    whole: bool,
) -> tuple[Sequences, Float[Tensor, "B T"] | Float[Tensor, "B T V"]]:
    """One response per prompt with its log-probs: of the sampled tokens, or of the `whole` vocabulary.

    A response ends with EOS or is cut after `max_new_tokens`; a cut response has no EOS.
    The response mask covers exactly the sampled tokens, EOS included.
    """
    B, T, device = len(prompts), max_new_tokens, prompts.ids.device
    uniform_BT = torch.rand(B, T, generator=generator, device=generator.device, dtype=torch.float64).to(device)
    response_BT = torch.full((B, T), pad_id, dtype=torch.long, device=device)
    mask_BT = torch.zeros((B, T), dtype=torch.bool, device=device)
    rows = torch.arange(B, device=device)
    distinct, row_B = prompts.distinct()
    decoder = policy.read(distinct).decoder(row_B, T)
    logits_BV = decoder.first()
    kept = logits_BV.new_zeros((B, T, logits_BV.shape[1]) if whole else (B, T))
    running = torch.ones(B, dtype=torch.bool, device=device)
    for t in range(T):
        token = pick(logits_BV, uniform_BT[rows, t])
        response_BT[rows, t] = torch.where(running, token, pad_id)
        mask_BT[rows, t] = running
        logps_BV = logits_BV.log_softmax(-1)
        kept[rows, t] = logps_BV if whole else logps_BV.gather(-1, token[:, None])[:, 0]
        running = running & (token != eos_id)
        live = int(running.sum())
        if live == 0 or t == T - 1:
            break
        if live <= SHRINK_BELOW * len(rows):
            keep = running.nonzero()[:, 0]
            decoder.keep(keep)
            rows, token, running = rows[keep], token[keep], running[keep]
        logits_BV = decoder.next(token)
    longest = t + 1
    samples = Sequences(prompts.ids, prompts.mask, response_BT[:, :longest], mask_BT[:, :longest])
    return samples, kept[:, :longest]

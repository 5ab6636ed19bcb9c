"""The one sampler: temperature 1, the whole vocabulary, until EOS or T tokens.

Scores, KL and training all see samples from here, so none of them can disagree about sampling settings.
Every row owns its uniform numbers: what a row draws depends neither on its neighbours nor on when they end.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from bench.core.types import Prompts, Sequences
from bench.lm.policy import Policy

SHRINK_BELOW = 0.75  # rows leave the decoding batch once this share or less is still running


def pick(logits_BV: Float[Tensor, "B V"], uniform_B: Float[Tensor, " B"]) -> Int[Tensor, " B"]:
    """Tokens drawn from softmax(logits) by inverting the cumulative distribution at `uniform_B` in [0, 1).

    In float64: in float32 a uniform next to 1 rounds to 1 and draws the last token, whatever its probability.
    """
    cumulative_BV = logits_BV.double().softmax(-1).cumsum(-1)
    at_B = uniform_B * cumulative_BV[:, -1]
    return torch.searchsorted(cumulative_BV, at_B[:, None], right=True)[:, 0].clamp_max(logits_BV.shape[-1] - 1)


def generate(
    policy: Policy, prompts: Prompts, max_new_tokens: int, eos_id: int, pad_id: int, generator: torch.Generator
) -> Sequences:
    """One response a prompt: `generate_with_logps` without the log-probs."""
    return generate_with_logps(policy, prompts, max_new_tokens, eos_id, pad_id, generator)[0]


def generate_with_logps(
    policy: Policy, prompts: Prompts, max_new_tokens: int, eos_id: int, pad_id: int, generator: torch.Generator
) -> tuple[Sequences, Float[Tensor, "B T"]]:
    """One response a prompt, and the log-prob of each of its tokens as it was drawn (nats; 0 where there is none)."""
    drawn, logps_BT = _decode(policy, prompts, max_new_tokens, eos_id, pad_id, generator, whole=False)
    return drawn, logps_BT.masked_fill(~drawn.response_mask, 0.0)


def generate_with_distributions(
    policy: Policy, prompts: Prompts, max_new_tokens: int, eos_id: int, pad_id: int, generator: torch.Generator
) -> tuple[Sequences, Float[Tensor, "B T V"]]:
    """One response a prompt, and the log-probs that each of its tokens was drawn from (meaningful under the mask)."""
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
    """One response a prompt, and the log-probs it was drawn from: of its tokens, or the `whole` distributions.

    A response ends with EOS or is cut after `max_new_tokens`; a cut response has no EOS, and the process
    stops there. The response mask covers exactly the sampled tokens, EOS included.
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
    drawn = Sequences(prompts.ids, prompts.mask, response_BT[:, :longest], mask_BT[:, :longest])
    return drawn, kept[:, :longest]

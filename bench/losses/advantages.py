"""Advantages of on-policy methods: generalised advantage estimation over response tokens."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

NOISE = 1e-4  # logits: advantages that differ by less than this are rounding, and must not be blown up to unit size


def token_rewards(
    score_B: Float[Tensor, " B"],
    logps_BT: Float[Tensor, "B T"],
    ref_logps_BT: Float[Tensor, "B T"],
    mask_BT: Bool[Tensor, "B T"],
    beta: float,
) -> Float[Tensor, "B T"]:
    """-beta (log pi - log pi_ref) at every token, plus the sequence's score at its last one (logits).

    Their sum is the score minus beta times the sequence log-ratio, whose optimum is
    pi_ref exp(score / beta). The last token is EOS, or the T-th when the response was cut.
    """
    rewards_BT = (-beta * (logps_BT - ref_logps_BT)).masked_fill(~mask_BT, 0.0)
    last_B = mask_BT.sum(1) - 1
    return rewards_BT.scatter_add(1, last_B[:, None], score_B[:, None])


def gae(
    rewards_BT: Float[Tensor, "B T"], values_BT: Float[Tensor, "B T"], mask_BT: Bool[Tensor, "B T"], lam: float
) -> Float[Tensor, "B T"]:
    """Generalised advantages with discount 1 (Schulman et al. 2016, 1506.02438, eq. 16).

    `values_BT[:, t]` is the value before token t. Nothing follows a response's last token, EOS or cut:
    the process stops there, so there is no bootstrap. Positions outside the mask are 0.

    >>> rewards, values = torch.tensor([[0.0, 1.0]]), torch.zeros(1, 2)
    >>> gae(rewards, values, torch.ones(1, 2, dtype=torch.bool), lam=1.0).tolist()
    [[1.0, 1.0]]
    """
    advantages_BT = torch.zeros_like(rewards_BT)
    running_B = torch.zeros_like(rewards_BT[:, 0])
    next_value_B = torch.zeros_like(running_B)
    for t in reversed(range(rewards_BT.shape[1])):
        live_B = mask_BT[:, t]
        delta_B = rewards_BT[:, t] + next_value_B - values_BT[:, t]
        running_B = torch.where(live_B, delta_B + lam * running_B, 0.0)
        next_value_B = torch.where(live_B, values_BT[:, t], 0.0)
        advantages_BT[:, t] = running_B
    return advantages_BT


def whiten(values_BT: Float[Tensor, "B T"], mask_BT: Bool[Tensor, "B T"]) -> Float[Tensor, "B T"]:
    """Zero mean and unit variance over the masked positions. For advantages only: rewards keep their scale.

    Equal values give exactly 0: their mean is off by rounding, which Adam would take for a signal.
    """
    kept = values_BT[mask_BT]
    if kept.max() == kept.min():
        return torch.zeros_like(values_BT)
    scaled = (values_BT - kept.mean()) / kept.std(unbiased=False).clamp_min(NOISE)
    return scaled.masked_fill(~mask_BT, 0.0)

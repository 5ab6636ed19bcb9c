"""The Savage loss."""

import torch
from jaxtyping import Float
from torch import Tensor


def savage(x: Float[Tensor, " B"]) -> Float[Tensor, " B"]:
    """1 / (1 + e^x)^2 (Tang et al. 2024, 2402.05749, table 1).

    Its population minimiser is the logistic loss's, pi_ref exp(r / beta). Not convex below x = -log 2: pairs far on
    the wrong side hardly pull.
    """
    return torch.sigmoid(-x) ** 2

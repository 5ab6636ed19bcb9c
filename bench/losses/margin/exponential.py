"""The exponential loss."""

import torch
from jaxtyping import Float
from torch import Tensor


def exponential(x: Float[Tensor, " B"]) -> Float[Tensor, " B"]:
    """e^-x (Tang et al. 2024, 2402.05749, table 1).

    Its population minimiser is pi_ref exp(r / (2 beta)) for Bradley-Terry labels. The slope grows with the margin of
    a pair that stands the wrong way round; a pair that is always labelled the same way has no finite minimiser.
    """
    return torch.exp(-x)

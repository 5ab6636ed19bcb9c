"""DPO's loss."""

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def logistic(x: Float[Tensor, " B"]) -> Float[Tensor, " B"]:
    """log(1 + e^-x): DPO (Rafailov et al. 2023, 2305.18290, eq. 7).

    Its population minimiser is pi_ref exp(r / beta) for Bradley-Terry labels; a pair that is always
    labelled the same way has no finite minimiser.

    >>> round(logistic(torch.zeros(1)).item(), 3)
    0.693
    """
    return F.softplus(-x)

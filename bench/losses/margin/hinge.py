"""SLiC's loss."""

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def hinge(x: Float[Tensor, " B"]) -> Float[Tensor, " B"]:
    """max(0, 1 - x): SLiC's calibration loss (Zhao et al. 2023, 2305.10425, eq. 2) with log-ratios to pi_ref.

    Margins above 1/beta are no longer pushed; no curvature at 0, so no pull back to pi_ref there.

    >>> hinge(torch.tensor([-1.0])).item()
    2.0
    """
    return F.relu(1 - x)

"""The truncated quadratic loss."""

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def truncated_quadratic(x: Float[Tensor, " B"]) -> Float[Tensor, " B"]:
    """max(0, 1 - x)^2 (Tang et al. 2024, 2402.05749, table 1).

    Its population minimiser is the squared loss's, if all |P(y > mu) - P(y' > mu)| <= 1/2: no margin is then above
    1/beta. Beyond that such margins are no longer pulled back.
    """
    return F.relu(1 - x) ** 2

"""IPO's loss."""

from jaxtyping import Float
from torch import Tensor


def squared(x: Float[Tensor, " B"]) -> Float[Tensor, " B"]:
    """(x - 1)^2: IPO (Azar et al. 2023, 2310.12036, eq. 17).

    Their (rho - 1/(2 tau))^2 is this up to scale at beta = 2 tau. Its population minimiser has
    beta h(y) = 2 P(y > mu) + const, which depends on the pairs' distribution mu; finite for any labels.

    >>> squared(torch.tensor([3.0])).item()
    4.0
    """
    return (x - 1) ** 2

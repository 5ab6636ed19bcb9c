"""The one masked mean and the one masked sum. An empty mask raises rather than gives 0/0 or 0."""

from jaxtyping import Bool, Float
from torch import Tensor


def masked_sum(values_BT: Float[Tensor, "B T"], mask_BT: Bool[Tensor, "B T"]) -> Float[Tensor, " B"]:
    """Per-row sum over the positions that `mask_BT` keeps. A masked NaN does not leak through."""
    return values_BT.masked_fill(~mask_BT, 0.0).sum(-1)


def masked_mean(values_BT: Float[Tensor, "B T"], mask_BT: Bool[Tensor, "B T"]) -> Float[Tensor, ""]:
    """Mean over all positions that `mask_BT` keeps, each weighing the same."""
    count = mask_BT.sum()
    if count == 0:
        raise ValueError("the mask keeps nothing; a mean over nothing is undefined")
    return values_BT.masked_fill(~mask_BT, 0.0).sum() / count

"""Masked mean and masked sum. The mean over an empty mask raises."""

from jaxtyping import Bool, Float
from torch import Tensor


def masked_sum(values_BT: Float[Tensor, "B T"], mask_BT: Bool[Tensor, "B T"]) -> Float[Tensor, " B"]:
    """Per-row sum over the positions that `mask_BT` keeps. A masked NaN does not leak through.

    >>> masked_sum(torch.tensor([[1.0, 2.0]]), torch.tensor([[True, False]])).item()
    1.0
    """
    return values_BT.masked_fill(~mask_BT, 0.0).sum(-1)


def masked_mean(values_BT: Float[Tensor, "B T"], mask_BT: Bool[Tensor, "B T"]) -> Float[Tensor, ""]:
    """Mean over all positions that `mask_BT` keeps, with equal weights. Raises ValueError on an empty mask."""
    count = mask_BT.sum()
    if count == 0:
        raise ValueError("the mask keeps nothing, so the mean is undefined; pass at least one unmasked position")
    return values_BT.masked_fill(~mask_BT, 0.0).sum() / count

"""The prompt bootstrap. Prompts are crossed with policies, so one resample of prompts serves all rows.

Percentile intervals only; never used over replicates, of which there are too few to resample. The reports
call it for how far the choice of a peak depends on the prompts.
"""

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]


def resampled_means(values_RP: Float, draws: int, generator: np.random.Generator) -> Float:
    """Means [draws, R] of every row under the same `draws` resamples of the P prompts.

    `values_RP` holds prompt means, NaN where a row has no sample of a prompt. A draw that picks none of a
    row's prompts is NaN there.
    """
    if values_RP.ndim != 2 or not values_RP.shape[1]:
        raise ValueError(f"values of shape {values_RP.shape} must be [rows, prompts] with at least one prompt")
    prompts = values_RP.shape[1]
    counts_DP = generator.multinomial(prompts, np.full(prompts, 1 / prompts), size=draws).astype(float)
    present_RP = np.isfinite(values_RP)
    total_DR = counts_DP @ np.where(present_RP, values_RP, 0.0).T
    weight_DR = counts_DP @ present_RP.T.astype(float)
    return np.divide(total_DR, weight_DR, out=np.full_like(total_DR, np.nan), where=weight_DR > 0)


def chosen_range(
    x_R: Float, values_RP: Float, generator: np.random.Generator, draws: int = 1000, level: float = 0.95
) -> tuple[float, float]:
    """The percentile range of x at the highest-valued row, when the prompts that choose it are resampled."""
    means_DR = resampled_means(values_RP, draws, generator)
    chosen_D = x_R[np.argmax(np.where(np.isnan(means_DR), -np.inf, means_DR), axis=1)]
    low, high = np.quantile(chosen_D, [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
    return float(low), float(high)

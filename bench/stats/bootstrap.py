"""The prompt bootstrap. Prompts are crossed with policies, so one resample of prompts serves all rows of all cells.

`prompt_counts` draws the resamples once. Everything else is a matrix product with them, so ten thousand resamples
of a whole run take seconds. For quantile intervals over prompts only: replicates are too few to resample. `fits`,
`gamma`, `peaks`, `smooth` and the reports call it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.stats.curves import Curve, d_of

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Resamples:
    """The number of times that each of the run's P prompts is in each of D resamples."""

    prompt_ids: tuple[str, ...]
    counts_DP: Float

    def of(self, prompt_ids: Sequence[str]) -> Float:
        """The counts of these prompts, in this order."""
        place = {prompt: i for i, prompt in enumerate(self.prompt_ids)}
        return self.counts_DP[:, [place[prompt] for prompt in prompt_ids]]


@dataclass(frozen=True, eq=False)
class CurveDraws:
    """One curve under D resamples of the prompts, each [D, R]."""

    d: Float
    gold: Float
    proxy: Float


def prompt_counts(prompts: int, draws: int, generator: np.random.Generator) -> Float:
    """Counts [draws, prompts] of `draws` resamples of as many prompts, with replacement."""
    if prompts < 1:
        raise ValueError(f"{prompts} prompts cannot be resampled; at least one is needed")
    return generator.multinomial(prompts, np.full(prompts, 1 / prompts), size=draws).astype(float)


def resamples(curves: Sequence[Curve], draws: int, generator: np.random.Generator) -> Resamples:
    """One set of resamples for all curves, over the union of their report prompts."""
    prompt_ids = tuple(sorted({prompt for curve in curves for prompt in curve.prompt_ids}))
    if not prompt_ids:
        raise ValueError("no curve names its report prompts; without samples there is nothing to resample")
    return Resamples(prompt_ids, prompt_counts(len(prompt_ids), draws, generator))


def means_under(counts_DP: Float, values_RP: Float) -> Float:
    """Means [D, R] of every row under the same resamples. A draw that picks none of a row's prompts is NaN there.

    `values_RP` holds prompt means, NaN where a row has no sample of a prompt.
    """
    if values_RP.ndim != 2 or not values_RP.shape[1]:
        raise ValueError(f"values of shape {values_RP.shape} must be [rows, prompts] with at least one prompt")
    present_RP = np.isfinite(values_RP)
    total_DR = counts_DP @ np.where(present_RP, values_RP, 0.0).T
    if present_RP.all():
        weight_DR = np.broadcast_to(counts_DP.sum(1, keepdims=True), total_DR.shape)
    else:
        weight_DR = counts_DP @ present_RP.T.astype(float)
    return np.divide(total_DR, weight_DR, out=np.full_like(total_DR, np.nan), where=weight_DR > 0)


def curve_draws(curve: Curve, resampled: Resamples) -> CurveDraws:
    """Whole curves resampled: KL, gold and proxy of all rows move together."""
    counts_DP = resampled.of(curve.prompt_ids)
    kl, gold, proxy = (means_under(counts_DP, values) for values in (curve.kl_RP, curve.gold_RP, curve.proxy_RP))
    return CurveDraws(d_of(kl), gold, proxy)


def resampled_means(values_RP: Float, draws: int, generator: np.random.Generator) -> Float:
    """Means [draws, R] of every row under the same `draws` resamples of the P prompts."""
    return means_under(prompt_counts(values_RP.shape[1], draws, generator), values_RP)


def chosen_range(
    x_R: Float, values_RP: Float, generator: np.random.Generator, draws: int = 1000, level: float = 0.95
) -> tuple[float, float]:
    """The percentile range of x at the highest-valued row, when the prompts that choose it are resampled."""
    means_DR = resampled_means(values_RP, draws, generator)
    chosen_D = x_R[np.argmax(np.where(np.isnan(means_DR), -np.inf, means_DR), axis=1)]
    low, high = np.quantile(chosen_D, [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
    return float(low), float(high)

"""Agreement of two scores of the same texts: in the order of two responses to one prompt, and in correlation.

Only responses of one policy to one prompt are compared. Scores are not comparable between prompts, and between policies
the difference of their means would dominate. The pairs of one prompt are correlated, so intervals are over resampled
prompts. The reports call it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.stats.bootstrap import prompt_counts
from bench.stats.estimate import RESAMPLED, Estimate, from_draws, undefined

Float = NDArray[np.float64]
DRAWS = 1000
TIE = 1e-9  # standard deviations: above the rounding of a sum of parts, below any difference of two texts


@dataclass(frozen=True)
class Agreement:
    """`disagree`: the share of the `pairs` that the two scores order differently. Pairs with a tie do not count."""

    disagree: Estimate
    correlation: Estimate
    pairs: int


_NONE = undefined(RESAMPLED, "no two responses to one prompt that both scores tell apart")
_NOTHING = Agreement(_NONE, _NONE, 0)


def agreement(
    one: ArrayLike, other: ArrayLike, policies: ArrayLike, prompts: ArrayLike, generator: np.random.Generator
) -> Agreement:
    """Compare two scores of B texts, each written by a policy in response to a prompt.

    A pair that a score holds equal within TIE has no order and does not count. The correlation is Pearson's after each
    policy's mean on each prompt is removed; undefined where a score does not vary.
    """
    scores_2B = np.array([one, other], dtype=float)
    if not scores_2B.shape[1]:
        return _NOTHING
    codes = [np.unique(np.asarray(names), return_inverse=True)[1] for names in (policies, prompts)]
    order = np.lexsort(codes)
    scores_2B, (policy_B, prompt_B) = scores_2B[:, order], (code[order] for code in codes)
    starts_B = np.append(True, (np.diff(policy_B) != 0) | (np.diff(prompt_B) != 0))
    group_B = np.cumsum(starts_B) - 1
    sums_PK = np.column_stack([*_pairs(scores_2B, group_B, prompt_B), *_moments(scores_2B, group_B, prompt_B)])
    pairs = int(sums_PK[:, 0].sum())
    if not pairs:
        return _NOTHING
    counts_DP = np.vstack([np.ones(len(sums_PK)), prompt_counts(len(sums_PK), DRAWS, generator)])
    sums_DK = counts_DP @ sums_PK  # the first draw is the sample itself
    share, correlation = (
        from_draws(float(values[0]), values[1:], len(sums_PK)) for values in (_share(sums_DK), _correlation(sums_DK))
    )
    return Agreement(share, correlation, pairs)


def _pairs(scores_2B: Float, group_B: NDArray[np.intp], prompt_B: NDArray[np.intp]) -> tuple[Float, Float]:
    """By prompt: pairs that both scores order, and those that they order differently. Groups are contiguous."""
    prompts = int(prompt_B.max()) + 1
    ordered_P, differently_P = np.zeros(prompts), np.zeros(prompts)
    for step in range(1, int(np.bincount(group_B).max())):
        same = group_B[step:] == group_B[:-step]
        difference_2B = np.where(same, scores_2B[:, step:] - scores_2B[:, :-step], 0.0)
        sign_2B = np.where(np.abs(difference_2B) > TIE, np.sign(difference_2B), 0.0)
        product_B = sign_2B.prod(axis=0)
        ordered_P += np.bincount(prompt_B[step:], np.abs(product_B), prompts)
        differently_P += np.bincount(prompt_B[step:], product_B < 0, prompts)
    return ordered_P, differently_P


def _moments(scores_2B: Float, group_B: NDArray[np.intp], prompt_B: NDArray[np.intp]) -> tuple[Float, ...]:
    """By prompt: the sums of squares of both centred scores, and of their products."""
    size_G = np.bincount(group_B)
    a, b = (scores - (np.bincount(group_B, scores) / size_G)[group_B] for scores in scores_2B)
    prompts = int(prompt_B.max()) + 1
    return tuple(np.bincount(prompt_B, product, prompts).astype(float) for product in (a * a, b * b, a * b))


def _share(sums_DK: Float) -> Float:
    with np.errstate(invalid="ignore"):
        return sums_DK[:, 1] / sums_DK[:, 0]


def _correlation(sums_DK: Float) -> Float:
    with np.errstate(invalid="ignore"):
        return sums_DK[:, 4] / np.sqrt(sums_DK[:, 2] * sums_DK[:, 3])

"""How far two judges of the same texts agree: in the order of two responses to one prompt, and in correlation.

Only responses of one policy to one prompt are compared: between prompts scores mean nothing, and between policies the
difference of their means would speak. What one prompt's pairs say moves together, so intervals are over prompts,
resampled. The reports call it.
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
    """`disagree`: of `pairs` of responses that both judges tell apart, the share that they order differently."""

    disagree: Estimate
    correlation: Estimate
    pairs: int


def agreement(
    one: ArrayLike, other: ArrayLike, policies: ArrayLike, prompts: ArrayLike, generator: np.random.Generator
) -> Agreement:
    """Two judges' scores of B texts, each text written by a policy to a prompt.

    A pair that a judge holds equal within TIE has no order and does not count. The correlation is Pearson's after each
    policy's mean on each prompt is removed; undefined where a judge does not vary.
    """
    scores_2B = np.array([one, other], dtype=float)
    codes = [np.unique(np.asarray(names), return_inverse=True)[1] for names in (policies, prompts)]
    order = np.lexsort(codes)
    scores_2B, (policy_B, prompt_B) = scores_2B[:, order], (code[order] for code in codes)
    starts_B = np.append(True, (np.diff(policy_B) != 0) | (np.diff(prompt_B) != 0)) if len(order) else order
    group_B = np.cumsum(starts_B) - 1
    sums_PK = np.column_stack([*_pairs(scores_2B, group_B, prompt_B), *_moments(scores_2B, group_B, prompt_B)])
    sums_K = sums_PK.sum(axis=0)
    pairs = int(sums_K[0])
    if not pairs:
        nothing = undefined(RESAMPLED, "no two responses to one prompt that both judges tell apart")
        return Agreement(nothing, nothing, 0)
    drawn_DK = prompt_counts(len(sums_PK), DRAWS, generator) @ sums_PK
    share, correlation = (
        from_draws(float(number(sums_K)), number(drawn_DK), len(sums_PK)) for number in (_share, _correlation)
    )
    return Agreement(share, correlation, pairs)


def _pairs(scores_2B: Float, group_B: NDArray[np.intp], prompt_B: NDArray[np.intp]) -> tuple[Float, Float]:
    """By prompt: pairs that both judges order, and those that they order differently. Groups are contiguous."""
    prompts = int(prompt_B.max(initial=-1)) + 1
    ordered_P, differently_P = np.zeros(prompts), np.zeros(prompts)
    for step in range(1, int(np.bincount(group_B).max(initial=0))):
        same = group_B[step:] == group_B[:-step]
        difference_2B = np.where(same, scores_2B[:, step:] - scores_2B[:, :-step], 0.0)
        sign_2B = np.where(np.abs(difference_2B) > TIE, np.sign(difference_2B), 0.0)
        product_B = sign_2B.prod(axis=0)
        ordered_P += np.bincount(prompt_B[step:], np.abs(product_B), prompts)
        differently_P += np.bincount(prompt_B[step:], product_B < 0, prompts)
    return ordered_P, differently_P


def _moments(scores_2B: Float, group_B: NDArray[np.intp], prompt_B: NDArray[np.intp]) -> tuple[Float, ...]:
    """By prompt: the sums of squares of both judges' centred scores, and of their products."""
    size_G = np.bincount(group_B)
    a, b = (scores - (np.bincount(group_B, scores) / size_G)[group_B] for scores in scores_2B)
    prompts = int(prompt_B.max(initial=-1)) + 1
    return tuple(np.bincount(prompt_B, product, prompts) for product in (a * a, b * b, a * b))


def _share(sums: Float) -> Float:
    with np.errstate(invalid="ignore"):
        return sums[..., 1] / sums[..., 0]


def _correlation(sums: Float) -> Float:
    with np.errstate(invalid="ignore"):
        return sums[..., 4] / np.sqrt(sums[..., 2] * sums[..., 3])

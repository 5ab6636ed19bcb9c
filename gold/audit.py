"""Agreement of gold with the rubric, measured within prompts, because scores compare only there. No torch.

Called by train.py and by audits of gold on a policy's samples.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float


def centred(values: Float[np.ndarray, " B"], prompt_ids: Sequence[str]) -> Float[np.ndarray, " B"]:
    """Values minus their prompt's mean."""
    _, group = np.unique(np.asarray(prompt_ids), return_inverse=True)
    return values - (np.bincount(group, values) / np.bincount(group))[group]


def within_prompt_corr(
    gold: Float[np.ndarray, " B"], rubric: Float[np.ndarray, " B"], prompt_ids: Sequence[str]
) -> float:
    """Pearson correlation of gold and rubric, both centred per prompt; NaN where either does not vary."""
    a, b = centred(gold, prompt_ids), centred(rubric, prompt_ids)
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > 0 else float("nan")


def pair_agreement(gold: Float[np.ndarray, " B"], rubric: Float[np.ndarray, " B"], prompt_ids: Sequence[str]) -> float:
    """Share of same-prompt pairs that gold and the rubric order alike. Ties of the rubric are skipped.

    >>> pair_agreement(np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0]), ["p", "p", "p"])
    0.6666666666666666
    """
    _, group = np.unique(np.asarray(prompt_ids), return_inverse=True)
    agree = count = 0
    for g in range(int(group.max(initial=-1)) + 1):
        a, b = gold[group == g], rubric[group == g]
        i, j = np.triu_indices(len(a), 1)
        order = np.sign(b[i] - b[j])
        agree += int(((np.sign(a[i] - a[j]) == order) & (order != 0)).sum())
        count += int((order != 0).sum())
    return agree / count if count else float("nan")

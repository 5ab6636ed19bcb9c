"""Units: how raw scores of two reward models become comparable.

Bradley-Terry leaves each prompt an offset and each model a scale. A proxy is multiplied by the one
number that makes its differences read as log-odds on held-out labels; every score is centred per
prompt on pi_ref samples and divided by gold's within-prompt standard deviation. So pi_ref is at 0
and 1 is one gold standard deviation, for gold and proxy alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit

GOLD_SD_LOGITS = 1.5
"""Gold's within-prompt standard deviation on pi_ref samples, in logits: fixes what a label and a beta mean."""


def within_prompt_sd(scores: np.ndarray, prompt_ids: np.ndarray) -> float:
    """Pooled within-prompt standard deviation (one degree of freedom lost a prompt).

    >>> round(within_prompt_sd(np.array([0.0, 2.0, 10.0, 12.0]), np.array(["a", "a", "b", "b"])), 3)
    1.414
    """
    groups = pd.Series(np.asarray(scores, float)).groupby(np.asarray(prompt_ids))
    return float(np.sqrt((groups.var(ddof=1) * (groups.size() - 1)).sum() / (groups.size() - 1).sum()))


def within_prompt_corr(table: pd.DataFrame, a: str, b: str) -> float:
    """Pearson correlation of two columns after removing each prompt's mean; NaN where one is constant."""
    centred = table[[a, b]] - table.groupby("prompt_id")[[a, b]].transform("mean")
    norms = np.sqrt((centred**2).sum())
    if norms.min() < 1e-9:
        return float("nan")
    return float((centred[a] * centred[b]).sum() / (norms[a] * norms[b]))


def label_ce(scale: float, differences: np.ndarray) -> float:
    """Mean cross-entropy of sigmoid(scale * difference) when the chosen side always comes first.

    >>> round(label_ce(1.0, np.array([0.0])), 3)  # a coin
    0.693
    """
    return float(np.logaddexp(0.0, -scale * np.asarray(differences, float)).mean())


def calibration_scale(differences: np.ndarray, largest: float = 1e4) -> float:
    """c = argmin_c CE(sigmoid(c * difference), labels), differences being chosen minus rejected.

    Negative where the model ranks the labels backwards; 0 where it has no information; ValueError where the
    labels are separated perfectly, so that no finite c exists.

    >>> right, wrong = np.full(3, 2.0), np.full(1, -2.0)  # three labels of four: log 3 = 2 c
    >>> round(calibration_scale(np.concatenate([right, wrong])), 3)
    0.549
    """
    x = np.asarray(differences, float)

    def slope(c: float) -> float:
        return float((x * expit(-c * x)).mean())

    if not np.any(x):
        return 0.0
    if np.all(x >= 0) or np.all(x <= 0):
        raise ValueError("the held-out labels are separated perfectly; calibration needs more held-out pairs")
    unit = 1.0 / float(np.abs(x).mean())
    high = unit
    while slope(high) > 0 and high < largest * unit:
        high *= 2
    low = -unit
    while slope(low) < 0 and low > -largest * unit:
        low *= 2
    return float(brentq(slope, low, high, xtol=1e-10 * unit))


@dataclass(frozen=True)
class Units:
    """From raw scores to the harness's units, for one scorer.

    `scale` turns raw scores into logits, `centre` is each prompt's mean raw score over its pi_ref
    pool, `gold_sd` gold's within-prompt sd in logits, `own_sd` this scorer's within-prompt sd, raw.
    """

    scale: float
    centre: Mapping[str, float]
    gold_sd: float
    own_sd: float

    def standard(self, raw: np.ndarray, prompt_ids: np.ndarray) -> np.ndarray:
        """Scores in gold standard deviations above pi_ref."""
        return self.scale * self._centred(raw, prompt_ids) / self.gold_sd

    def z(self, raw: np.ndarray, prompt_ids: np.ndarray) -> np.ndarray:
        """Scores in the scorer's standard deviations above pi_ref."""
        return self._centred(raw, prompt_ids) / self.own_sd if self.own_sd > 0 else np.full(len(raw), np.nan)

    def _centred(self, raw: np.ndarray, prompt_ids: np.ndarray) -> np.ndarray:
        return np.asarray(raw, float) - np.array([self.centre[p] for p in prompt_ids], float)


def units_from_pool(pool: pd.DataFrame, column: str, scale: float, gold_sd: float) -> Units:
    """Units of the scorer whose raw scores on the pi_ref pool stand in `column`."""
    centre: dict[Any, float] = pool.groupby("prompt_id")[column].mean().to_dict()
    own_sd = within_prompt_sd(pool[column].to_numpy(float), pool["prompt_id"].to_numpy(str))
    return Units(scale=scale, centre=centre, gold_sd=gold_sd, own_sd=own_sd)

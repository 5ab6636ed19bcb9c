"""Checks of labels, calibration and units, and of regressional Goodhart under best-of-n."""

from functools import cache

import numpy as np
import pandas as pd

from bench.checks.estimators.check import Check, Measured, close, mean_is
from bench.config.models import PairsConfig
from bench.core.seeds import np_stream
from bench.measure.best_of_n import best_of_n_weights
from bench.measure.scoring import win_rate
from bench.rewards.units import GOLD_SD_LOGITS, calibration_scale, units_from_pool, within_prompt_sd
from gold.labels import label

PROMPTS, EACH = 40, 16


@cache
def pool() -> pd.DataFrame:
    """pi_ref samples of forty prompts, with raw scores whose offset differs by prompt."""
    rng = np_stream("selfcheck.units")
    ids = np.repeat([f"p{i}" for i in range(PROMPTS)], EACH)
    gold = 3 * rng.normal(size=PROMPTS).repeat(EACH) + 0.7 * rng.normal(size=len(ids))
    proxy = 5 * rng.normal(size=PROMPTS).repeat(EACH) + 0.2 * (gold + rng.normal(size=len(ids)))
    return pd.DataFrame({"prompt_id": ids, "gold_raw": gold, "proxy_raw": proxy})


def standard(shift: np.ndarray, factor: float) -> np.ndarray:
    """Standard scores of the proxy after a per-prompt shift and a scale, recalibrated on labelled pairs."""
    table = pool().assign(proxy_raw=factor * pool()["proxy_raw"] + np.repeat(shift, EACH))
    raw, gold = (table[c].to_numpy().reshape(-1, 2) for c in ("proxy_raw", "gold_raw"))
    first = label(2 * gold, PairsConfig(), np_stream("selfcheck.labels")).first_M
    scale = calibration_scale(np.where(first, 1, -1) * (raw[:, 0] - raw[:, 1]))
    units = units_from_pool(table, "proxy_raw", scale, GOLD_SD_LOGITS)
    return units.standard(table["proxy_raw"].to_numpy(), table["prompt_id"].to_numpy(str))


def invariance() -> Measured:
    """Standard scores are invariant to shift and scale. Root finding: 1e-10; shifts of 100 cost four digits."""
    shift = 100 * np_stream("selfcheck.shift").normal(size=PROMPTS)
    return close(standard(0 * shift, 1.0), standard(shift, 7.0), 1e-8)


def at_zero() -> Measured:
    """pi_ref's mean standard score is 0 for each prompt. Rounding: scores of order 10."""
    means = pd.Series(standard(np.zeros(PROMPTS), 1.0)).groupby(pool()["prompt_id"].to_numpy()).mean()
    return close(0.0, means.to_numpy(), 1e-12)


def gold_sd() -> Measured:
    """Gold's pooled within-prompt sd is 1, computed from squares about prompt means over n - prompts."""
    table = pool()
    ids, raw = table["prompt_id"].to_numpy(str), table["gold_raw"].to_numpy()
    units = units_from_pool(table, "gold_raw", GOLD_SD_LOGITS / within_prompt_sd(raw, ids), GOLD_SD_LOGITS)
    z = units.standard(raw, ids).reshape(PROMPTS, EACH)
    return close(1.0, np.sqrt(((z - z.mean(1, keepdims=True)) ** 2).sum() / (z.size - PROMPTS)), 1e-12)


def label_frequencies() -> Measured:
    """Share of labels for the first response at a margin of log 3: sigmoid(log 3) = 3/4."""
    gold = np.tile([np.log(3.0), 0.0], (40_000, 1))
    return mean_is(0.75, label(gold, PairsConfig(), np_stream("selfcheck.labels")).first_M.astype(float))


def calibration() -> Measured:
    """A proxy equal to gold's logits over 4 is scaled by 4. Tolerance: four inverse roots of the Fisher information."""
    rng, c = np_stream("selfcheck.calibration"), 4.0
    x = rng.normal(size=40_000)
    gold = np.stack([c * x, np.zeros_like(x)], 1)
    first = label(gold, PairsConfig(), rng).first_M
    p = 1 / (1 + np.exp(-c * x))
    return close(c, calibration_scale(np.where(first, x, -x)), 4 / np.sqrt((x**2 * p * (1 - p)).sum()))


def wins() -> Measured:
    """pi_ref's win rate against its own pool is one half, with ties counted as half. Rounding of a mean."""
    scores = np.round(pool()["gold_raw"].to_numpy()[:64])
    return close(0.5, np.mean([win_rate(score, scores) for score in scores]), 1e-12)


def regressional() -> Measured:
    """Gold gained per unit of proxy under best-of-64, for proxy X + Z: Var X / (Var X + Var Z) = 1 / (1 + .5)."""
    rng, n, N, runs = np_stream("selfcheck.goodhart"), 64, 512, 400
    x = rng.normal(size=(runs, N))
    proxy = x + np.sqrt(0.5) * rng.normal(size=(runs, N))
    gains = np.array([[w @ g, w @ p] for g, p in zip(x, proxy, strict=True) for w in [best_of_n_weights(p, n)]])
    ratio = gains[:, 0].mean() / gains[:, 1].mean()
    residual = (gains[:, 0] - ratio * gains[:, 1]) / gains[:, 1].mean()  # delta method for a ratio of means
    return close(2 / 3, ratio, 4 * residual.std(ddof=1) / np.sqrt(runs))


CHECKS: dict[str, Check] = {
    "labels come as sigmoid of the margin": label_frequencies,
    "calibration recovers the scale": calibration,
    "shift and scale of the proxy": invariance,
    "pi_ref at 0": at_zero,
    "gold's sd is 1": gold_sd,
    "pi_ref wins half": wins,
    "regressional Goodhart, slope": regressional,
}

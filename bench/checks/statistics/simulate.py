"""Simulated cells with known truth, measured like real ones: prompts shared by all cells, two splits, noisy KL.

Each prompt has a level, a response to distance that all replicates share (policies that move the same way change the
same prompts), and noise in each cell. `coverage` and `hump_power` use them; no report does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.stats.curves import Curve

Float = NDArray[np.float64]
KL = np.array([0, 0.25, 0.35, 0.5, 0.71, 1, 1.41, 2, 2.83, 4, 5.66, 8, 11.3, 16, 22.6, 32])
D = np.sqrt(KL)


@dataclass(frozen=True)
class Noise:
    """Standard deviations of prompt means (three samples of a gold with sd 1 within prompts), and of relative KL."""

    prompts: int = 96
    select: int = 48
    level: float = 0.3
    shared: float = 0.3  # at the furthest row; in proportion to d
    cell: float = 0.55
    kl: float = 0.3


def cells(
    rng: np.random.Generator,
    gold_SR: Sequence[Float],
    proxy_SR: Sequence[Float] | None = None,
    kl: Float = KL,
    noise: Noise = Noise(),
) -> list[Curve]:
    """One curve for each true gold curve (and true proxy curve; sqrt(KL) / 2 by default), on shared prompts."""
    proxies = [np.sqrt(kl) / 2] * len(gold_SR) if proxy_SR is None else proxy_SR
    ids = tuple(f"p{i:04d}" for i in range(noise.prompts))
    shared = {n: _shared(rng, kl, n, noise) for n in (noise.prompts, noise.select)}
    made = []
    for i, (gold, proxy) in enumerate(zip(gold_SR, proxies, strict=True)):
        report, select = (_measured(rng, gold, kl, n, noise, shared[n]) for n in (noise.prompts, noise.select))
        proxy_RP = proxy[:, None] + rng.normal(0, noise.cell / 2, report[0].shape)
        made.append(_curve(f"r{i}", ids, *report, proxy_RP, *(values.mean(1) for values in select)))
    return made


def best_of_n_form(d_peak: float = 2.5, height: float = 1.0) -> tuple[float, float]:
    """(a, b) of the best-of-n form with this peak."""
    return 2 * height / d_peak, height / d_peak**2


def rl_form(d_peak: float = 2.5, height: float = 1.0) -> tuple[float, float]:
    """(a, b) of the RL form with this peak."""
    return height / d_peak * (1 + np.log(d_peak)), height / d_peak


def _shared(rng: np.random.Generator, kl: Float, prompts: int, noise: Noise) -> Float:
    """Each prompt's level plus its response to distance, [R, P]."""
    reach = np.sqrt(kl / kl.max())[:, None]
    return rng.normal(0, noise.level, prompts) + reach * rng.normal(0, noise.shared, prompts)


def _measured(
    rng: np.random.Generator, gold: Float, kl: Float, prompts: int, noise: Noise, shared_RP: Float
) -> tuple[Float, Float]:
    gold_RP = gold[:, None] + shared_RP + rng.normal(0, noise.cell, (len(kl), prompts))
    kl_RP = kl[:, None] * (1 + rng.normal(0, noise.kl, (len(kl), prompts)))
    return gold_RP, kl_RP


def _curve(
    name: str,
    ids: tuple[str, ...],
    gold_RP: Float,
    kl_RP: Float,
    proxy_RP: Float,
    gold_select: Float,
    kl_select: Float,
) -> Curve:
    root = np.sqrt(len(ids))
    return Curve(
        cell=name,
        row_ids=tuple(f"{name}@{i}" for i in range(len(gold_RP))),
        kl=kl_RP.mean(1),
        gold=gold_RP.mean(1),
        gold_se=gold_RP.std(1, ddof=1) / root,
        proxy=proxy_RP.mean(1),
        kl_se=kl_RP.std(1, ddof=1) / root,
        kl_select=kl_select,
        gold_select=gold_select,
        gold_RP=gold_RP,
        proxy_RP=proxy_RP,
        kl_RP=kl_RP,
        prompt_ids=ids,
    )

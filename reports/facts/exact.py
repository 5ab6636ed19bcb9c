"""Facts that are identities, held against this run's rows and pool: best-of-n's KL, estimator and invariance.

The oracles are not the code that made the rows: order statistics by a product of ratios, a sort, a shifted proxy.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.measure.best_of_n import best_of_n_weights
from reports.analysis.analysis import Analysis
from reports.facts.fact import Fact, exact, unanswered
from reports.read.cell import Cell
from reports.read.run import RunData

Float = NDArray[np.float64]


def kl_of_best_of_n(analysis: Analysis) -> list[Fact]:
    """1: log n - (n-1)/n, and an upper bound of what is measured."""
    cells = _best_of_n(analysis.run)
    if not cells:
        return [unanswered(1, "KL of best-of-n", "the run has no best-of-n cell")]
    rows = pd.concat([c.rows for c in cells])
    n = rows.n.to_numpy(dtype=float)
    error = float(np.abs(rows.kl_analytic.to_numpy(dtype=float) - (np.log(n) - 1 + 1 / n)).max())
    measured = (rows.kl - rows.kl_analytic).dropna().to_numpy(dtype=float)
    facts = [exact(1, "KL of best-of-n is log n - (n-1)/n", error, 1e-9, f"{len(rows)} rows")]
    if len(measured):
        over = float(measured.max())
        verdict = "observed" if over <= 1e-9 else "not observed"
        how = f"measured from the pool where n is at most an eighth of it, {len(measured)} rows; measured minus bound"
        facts.append(Fact(1, "an upper bound for discrete policies", verdict, f"at most {over:+.3f} nats", how))
    return facts


def unbiased_best_of_n(analysis: Analysis) -> list[Fact]:
    """2: R_n against order statistics, on this run's pool."""
    what = "unbiased best-of-n from N samples"
    run = analysis.run
    found = [_against_order_statistics(c, run) for c in _best_of_n(run)]
    errors = [error for error in found if error is not None]
    if not errors:
        return [unanswered(2, what, "the run has no pool")]
    how = "raw gold over rows, against C(i-1, n-1) / C(N, n) by a product of ratios over a pool sorted by proxy"
    return [exact(2, what, max(errors), 1e-6, f"{how}; {len(errors)} cells")]


def scaling_a_proxy(analysis: Analysis) -> list[Fact]:
    """3: a proxy shifted by prompt and positively scaled picks the same."""
    what, rng = "shifting and scaling a proxy changes nothing", np.random.default_rng(0)
    pools = [pool for c in _best_of_n(analysis.run) for pool in _pools(c, analysis.run)]
    if not pools:
        return [unanswered(3, what, "the run has no pool")]
    errors = []
    for proxy, gold in pools:
        moved = 2.0 ** rng.integers(-3, 4) * proxy + rng.integers(-8, 9)
        for n in (4, 64):
            if n <= len(proxy) and len(np.unique(moved)) == len(np.unique(proxy)):  # rounding may make new ties
                errors.append(abs(best_of_n_weights(proxy, n) @ gold - best_of_n_weights(moved, n) @ gold))
    how = f"n = 4 and 64, a shift and a scale for each of {len(pools)} prompts' pools"
    return [exact(3, what, float(max(errors)), 1e-9, how)]


def _best_of_n(run: RunData) -> list[Cell]:
    return [c for c in run.trained if c.best_of_n]


def _pools(cell: Cell, run: RunData) -> list[tuple[Float, Float]]:
    """Raw (proxy, gold) of each prompt, where the pool is of this cell alone."""
    pool = run.pool[run.pool.proxy_id == cell.rows.proxy_id.iloc[0]]
    if not len(pool) or pool.duplicated(["prompt_id", "sample_id"]).any():
        return []
    prompts = pool[pool.prompt_id.isin(cell.curve.prompt_ids)].groupby("prompt_id")
    return [(g.proxy_raw.to_numpy(dtype=float), g.gold_raw.to_numpy(dtype=float)) for _, g in prompts]


def _against_order_statistics(cell: Cell, run: RunData) -> float | None:
    """Largest error over n of raw gold above the first row's; equal proxies share gold first. None without a pool."""
    pools = _pools(cell, run)
    if not pools:
        return None
    shared = [(proxy, pd.Series(gold).groupby(proxy).transform("mean").to_numpy()) for proxy, gold in pools]
    sorted_PN = np.array([gold[np.argsort(proxy)] for proxy, gold in shared])
    raw = cell.rows.gold_raw.to_numpy(dtype=float)
    expected = [float((sorted_PN @ _largest_of(sorted_PN.shape[1], int(n))).mean()) for n in cell.rows.n]
    return float(np.abs((raw - raw[0]) - (np.array(expected) - expected[0])).max())


def _largest_of(N: int, n: int) -> Float:
    """Chance that rank i is the largest of n drawn from N: n/i times that none of the ranks above is drawn."""
    above = np.concatenate([[1.0], np.cumprod([(i - n) / i for i in range(N, 0, -1)])])[:N]  # of N - i ranks above i
    i = np.arange(N, 0, -1)
    return np.asarray(above * n / i)[::-1]

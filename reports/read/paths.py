"""Preference cells as paths: where their pairs come from, which loss, and when two of them cease to be one run.

Read from the columns `sampler` and `loss` and from the training logs, so methods may have any name. Claims, facts and
the sections on preference methods use it.
"""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.stats.curves import Curve
from bench.stats.two_settings import PARTED, path_gap, with_values
from reports.read.load import Cell, RunData
from reports.sections.trust.training import read_log

Float = NDArray[np.float64]
_WINDOW = 10  # steps whose batches are compared
_REFRESHES = re.compile(r"iterative(\d+)")


def sampler_of(cell: Cell) -> str:
    """Where its pairs come from: offline, iterative<k>, online, replay, replay_shuffled; empty if not told."""
    return _said(cell, "sampler")


def loss_of(cell: Cell) -> str:
    """The name of its loss; empty if not told."""
    return _said(cell, "loss")


def learns_from_pairs(cell: Cell) -> bool:
    """Whether a contrastive loss on pairs trains it: neither a policy gradient nor imitation."""
    return not (cell.best_of_n or sampler_of(cell) in ("", "on_policy") or loss_of(cell).startswith("sft_"))


def refresh_of(cell: Cell) -> float:
    """Steps between fresh pairs: 1 online, k iterative, infinite offline; NaN for what replays others' pairs."""
    sampler = sampler_of(cell)
    if found := _REFRESHES.fullmatch(sampler):
        return float(found.group(1))
    return {"online": 1.0, "offline": float("inf")}.get(sampler, float("nan"))


def log_of(run: RunData, cell: Cell) -> pd.DataFrame:
    """Its training log; empty where there is none."""
    return read_log(run.path / "cells" / cell.name / "log.jsonl")


def by_accuracy(cell: Cell) -> Curve:
    """The cell's curve with held-out pair accuracy in gold's place."""
    return with_values(cell.curve, cell.rows.pair_accuracy.to_numpy(dtype=float, na_value=np.nan))


def gap_by(run: RunData, one: Cell, other: Cell, kl: float) -> float:
    """`path_gap` of the last batches before either cell is seen at `kl` nats, or of the last that both had.

    NaN where they log no margins.
    """
    along = gaps_along(log_of(run, one), log_of(run, other))
    if not len(along.gap):
        return float("nan")
    past = np.flatnonzero(along.kl >= kl)
    return float(along.gap[past[0] if len(past) else -1])


@dataclass(frozen=True, eq=False)
class Gaps:
    """`path_gap` of the last ten batches at each step, and the largest KL that either cell was seen at by then."""

    step: Float
    kl: Float
    gap: Float

    @property
    def parted(self) -> float:
        """The KL at which the paths part: from where the gap is at PARTED, and most later ones too. Infinite if never.

        A single gap may touch PARTED by chance, so the first to do so does not count by itself.
        """
        places = (i for i in np.flatnonzero(self.gap >= PARTED) if np.median(self.gap[i:]) >= PARTED)
        first = next(places, None)
        return float("inf") if first is None else float(self.kl[first])


def gaps_along(one: pd.DataFrame, other: pd.DataFrame) -> Gaps:
    """Two logs compared batch by batch; empty where they have no margins."""
    steps, margins = common_margins(one, other)
    ends = np.arange(min(_WINDOW, len(steps)), len(steps) + 1) if len(steps) else np.array([], dtype=int)
    gap = np.array([path_gap(*(m[max(0, end - _WINDOW) : end] for m in margins)) for end in ends])
    kl = np.max([_seen(log, steps) for log in (one, other)], axis=0) if len(steps) else np.array([])
    return Gaps(steps[ends - 1], kl[ends - 1], gap) if len(ends) else Gaps(gap, gap, gap)


def _seen(log: pd.DataFrame, steps: Float) -> Float:
    """The largest KL that the monitor had seen by each step, 0 before its first look."""
    looks = log.set_index("step")["kl"] if "kl" in log else pd.Series(dtype=float)
    return looks.reindex(steps).cummax().ffill().fillna(0.0).to_numpy(dtype=float)


def common_margins(one: pd.DataFrame, other: pd.DataFrame) -> tuple[Float, tuple[Float, Float]]:
    """The steps that both logged, and the margin of chosen over rejected in each at those steps."""
    sides = ("chosen_logratio", "rejected_logratio")
    if any(name not in log for log in (one, other) for name in sides):
        return np.array([]), (np.array([]), np.array([]))
    margins = [log.set_index("step")[sides[0]] - log.set_index("step")[sides[1]] for log in (one, other)]
    both = pd.concat(margins, axis=1, join="inner").sort_index()
    return both.index.to_numpy(dtype=float), (both.iloc[:, 0].to_numpy(float), both.iloc[:, 1].to_numpy(float))


def _said(cell: Cell, column: str) -> str:
    value = cell.rows[column].iloc[0]
    return "" if pd.isna(value) else str(value)

"""The divergence of two preference cells: the difference of their margins on the same batches, step by step.

At pi_ref the gradients of all losses are parallel, and at a small beta they stay so for long: until the margins differ,
two cells train one policy. Read from the training logs.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.stats.verdicts.two_settings import PARTED, path_gap

Float = NDArray[np.float64]
_WINDOW = 10  # steps whose batches are compared


@dataclass(frozen=True, eq=False)
class Gaps:
    """`path_gap` of the last ten batches at each step, and the largest KL that either cell had reached by then."""

    step: Float
    kl: Float
    gap: Float

    @property
    def parted(self) -> float:
        """The KL at which paths diverge: from where the gap is at PARTED, and most later ones too. Infinite if never.

        A single gap may touch PARTED by chance, so the first to do so does not count by itself.
        """
        places = (i for i in np.flatnonzero(self.gap >= PARTED) if np.median(self.gap[i:]) >= PARTED)
        first = next(places, None)
        return float("inf") if first is None else float(self.kl[first])

    def by(self, kl: float) -> float:
        """The gap of the last batches before either cell reaches `kl` nats, or the last of all; NaN where empty."""
        if not len(self.gap):
            return float("nan")
        past = np.flatnonzero(self.kl >= kl)
        return float(self.gap[past[0] if len(past) else -1])


def gaps_along(one: pd.DataFrame, other: pd.DataFrame) -> Gaps:
    """Two logs compared batch by batch; empty where they have no margins."""
    steps, margins = common_margins(one, other)
    ends = np.arange(min(_WINDOW, len(steps)), len(steps) + 1) if len(steps) else np.array([], dtype=int)
    gap = np.array([path_gap(*(m[max(0, end - _WINDOW) : end] for m in margins)) for end in ends])
    kl = np.max([_seen(log, steps) for log in (one, other)], axis=0) if len(steps) else np.array([])
    return Gaps(steps[ends - 1], kl[ends - 1], gap) if len(ends) else Gaps(gap, gap, gap)


def _seen(log: pd.DataFrame, steps: Float) -> Float:
    """The largest KL that the monitor had measured by each step, 0 before its first check."""
    kl = log.set_index("step")["kl"] if "kl" in log else pd.Series(dtype=float)
    return kl.reindex(steps).cummax().ffill().fillna(0.0).to_numpy(dtype=float)


def common_margins(one: pd.DataFrame, other: pd.DataFrame) -> tuple[Float, tuple[Float, Float]]:
    """The steps that both logged, and the margin of chosen over rejected in each at those steps."""
    sides = ("chosen_logratio", "rejected_logratio")
    if any(name not in log for log in (one, other) for name in sides):
        return np.array([]), (np.array([]), np.array([]))
    margins = [log.set_index("step")[sides[0]] - log.set_index("step")[sides[1]] for log in (one, other)]
    both = pd.concat(margins, axis=1, join="inner").sort_index()
    return both.index.to_numpy(dtype=float), (both.iloc[:, 0].to_numpy(float), both.iloc[:, 1].to_numpy(float))

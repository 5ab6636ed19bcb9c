"""One cell of a run: a training run or a best-of-n pass, with its rows and its curve. `run` makes them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.stats.curves import Curve
from reports.read.kind import Kind


@dataclass(frozen=True)
class Cell:
    """One training run or best-of-n pass, and its curve."""

    name: str
    method: str
    kind: Kind
    beta: float
    proxy_name: str
    replicate: int
    setting: int  # cells that differ in their replicate alone share it
    curve: Curve
    rows: pd.DataFrame

    @property
    def best_of_n(self) -> bool:
        return bool(self.rows.n.notna().all())

    @property
    def on_policy(self) -> bool:
        """True if it optimises the proxy itself, by sampling."""
        return self.best_of_n or bool((self.rows.sampler == "on_policy").all())

    @property
    def reach(self) -> float:
        """The largest KL of its rows (nats), 0 where none was measured."""
        kl = self.curve.kl[np.isfinite(self.curve.kl)]
        return float(kl.max()) if len(kl) else 0.0

    @property
    def last(self) -> int:
        """The row at the end of training (best-of-n: the largest n), which need not be the furthest."""
        return int(self.rows[["n" if self.best_of_n else "step"]].to_numpy(dtype=float).argmax())


def shared(one: Sequence[Cell], other: Sequence[Cell]) -> tuple[list[Cell], list[Cell]]:
    """The replicates that both settings have, side by side."""
    theirs = {c.replicate: c for c in other}
    mine = [c for c in one if c.replicate in theirs]
    return mine, [theirs[c.replicate] for c in mine]

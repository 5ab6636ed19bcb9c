"""From texts to numbers: gold, the proxy, the rubric and the win rate of each response, in the harness's units."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.core.types import Sequences
from bench.rewards.base import Pool, Reward, RubricUnits

TIE = 1e-5  # raw gold: above float32 noise between batches, far below any real difference


@dataclass(frozen=True)
class Scoring:
    """The scorers of a response. `rubric` gives part columns, whose sum is the rubric."""

    gold: Reward
    proxy: Reward
    rubric: Callable[[Sequence[str], Sequence[str]], pd.DataFrame]
    rubric_units: RubricUnits
    pool: Pool

    def score(self, sequences: Sequences, table: pd.DataFrame) -> pd.DataFrame:
        """`table` (prompt_id, prompt, response) with raw and standard scores, rubric parts and win rate."""
        table["gold_raw"], table["proxy_raw"] = self.gold.raw(sequences), self.proxy.raw(sequences)
        ids = self.standardize(table)
        parts = self.rubric(table["prompt"].tolist(), table["response"].tolist())
        centred = self.rubric_units.standard(parts, ids)
        for name in parts.columns:
            table[f"rubric_{name}"] = centred[name].to_numpy()
        table["rubric"] = centred.sum(axis=1).to_numpy()
        table["win"] = self.wins(table)
        return table

    def standardize(self, table: pd.DataFrame) -> np.ndarray:
        """Add gold, proxy and proxy_z from the raw columns. Returns the prompt ids."""
        ids = table["prompt_id"].to_numpy(str)
        table["gold"] = self.gold.standard(table["gold_raw"].to_numpy(float), ids)
        table["proxy"] = self.proxy.standard(table["proxy_raw"].to_numpy(float), ids)
        table["proxy_z"] = self.proxy.z(table["proxy_raw"].to_numpy(float), ids)
        return ids

    def wins(self, table: pd.DataFrame) -> list[float]:
        """Each response's win rate against its prompt's pi_ref pool."""
        ids = table["prompt_id"].to_numpy(str)
        return [win_rate(g, self.pool[p]) for g, p in zip(table["gold_raw"], ids, strict=True)]


def win_rate(score: float, pool: np.ndarray) -> float:
    """Share of the pool that the score beats, ties one half. Equal texts score within `TIE`, so they tie.

    >>> win_rate(1.0, np.array([0.0, 1.0, 2.0, 3.0]))
    0.375
    """
    lead = score - pool
    return float(np.where(np.abs(lead) <= TIE, 0.5, lead > 0).mean())

"""Best-of-n's exact prompt means, rebuilt from the pool: what paired differences between two n need.

The samples of a best-of-n row are single picks, far noisier than the row, whose numbers are weighted means over
the whole pool. `load` calls `prompt_means`.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.measure.best_of_n import best_of_n_weights

Float = NDArray[np.float64]


def prompt_means(pool: pd.DataFrame, rows: pd.DataFrame, prompts: list[str]) -> dict[str, Float] | None:
    """`gold` and `proxy` as [rows, prompts], in the rows' units, above best-of-1 of the same prompt.

    `rows` are one best-of-n cell's. None where the pool does not hold that cell: no rows, or the pools of
    several replicates under one proxy_id.
    """
    some = pool[(pool.proxy_id == rows.proxy_id.iloc[0]) & pool.prompt_id.isin(prompts)]
    if not len(some) or some.duplicated(["prompt_id", "sample_id"]).any():
        return None
    raw = {
        str(p): (g.proxy_raw.to_numpy(dtype=float), g.gold_raw.to_numpy(dtype=float))
        for p, g in some.groupby("prompt_id")
    }
    if set(raw) != set(prompts):
        return None
    means = {name: np.empty((len(rows), len(prompts))) for name in ("gold", "proxy")}
    for i, n in enumerate(rows.n.astype(int)):
        for j, prompt in enumerate(prompts):
            proxy, gold = raw[prompt]
            excess = best_of_n_weights(proxy, n) - 1 / len(proxy)
            means["gold"][i, j], means["proxy"][i, j] = excess @ gold, excess @ proxy
    scales = {name: _per_raw(rows[name], rows[f"{name}_raw"]) for name in means}
    return {name: values * scales[name] for name, values in means.items()}


def _per_raw(value: pd.Series, raw: pd.Series) -> float:
    """Units of a score per raw unit; the rows are a straight line in it. NaN where the rows do not differ."""
    low, high = raw.argmin(), raw.argmax()
    spread = float(raw.iloc[high] - raw.iloc[low])
    return float(value.iloc[high] - value.iloc[low]) / spread if spread > 0 else float("nan")

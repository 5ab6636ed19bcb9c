"""Tables of known gold, as a user of `bench.stats` has them."""

import numpy as np
import pandas as pd
from scipy import stats

KL = np.array([0, 1, 2, 2.8, 4, 5.6, 8, 16.0])
LINE = 0.3 + 0.2 * np.sqrt(KL)
OFFSET = np.array([-1.0, 0, 1])  # three prompts: standard error 1 / sqrt 3


def table(gold_R, kl=KL, prompts=3, replicate=0, offset_P=0.0, noise=None, proxy_R=None):
    """One replicate: gold of each policy, plus an offset for each prompt, plus noise [R, P]."""
    noise = np.zeros((len(kl), prompts)) if noise is None else noise
    gold_RP = np.asarray(gold_R, dtype=float)[:, None] + offset_P + noise
    proxy = np.sqrt(kl) if proxy_R is None else np.asarray(proxy_R, dtype=float)
    names = ([replicate], range(len(kl)), [f"p{i}" for i in range(prompts)])
    df = pd.MultiIndex.from_product(names, names=["replicate", "policy", "prompt"]).to_frame(index=False)
    return df.assign(kl=np.repeat(kl, prompts), gold=gold_RP.ravel(), proxy=np.repeat(proxy, prompts))


def replicates(golds, **kwargs):
    return pd.concat([table(gold, replicate=i, **kwargs) for i, gold in enumerate(golds)], ignore_index=True)


def half(sd, n):
    return float(stats.t.ppf(0.975, n - 1)) * sd / np.sqrt(n)

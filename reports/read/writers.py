"""The score of the writers of gold's preferences, where the run's gold was trained on weighted parts of the rubric.

The users' score is the plain sum of the parts, the column `rubric`; the writers' is the weighted sum. Every row and
sample holds the parts, above pi_ref's mean on the same prompt and in the rubric's unit, and the sum is linear in them:

    writers = (rubric + sum over named parts of (weight - 1) rubric_<part>) * rubric_sd / writers_sd

in the writers' own within-prompt sd on the pi_ref pool, as gold and the rubric are in theirs. Both sds are metrics of
the reference stage, so the run folder is enough. `load` calls `with_writers`. Left out: prompt means of best-of-n,
whose pool is stored without parts. Its rows are exact; their errors are those of the single picks, which are larger.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from bench.core.records import REPORT
from bench.rewards.units import within_prompt_corr

SCORERS = {"gold": "gold", "writers": "writers", "users": "rubric"}
"""The three scorers of a text and the column of each one's score."""


def weights_of(config: Mapping[str, Any]) -> dict[str, float]:
    """The declared weights of a run's gold; empty where its writers are its users."""
    return dict(config.get("gold", {}).get("weights", {}))


def with_writers(
    config: Mapping[str, Any], stages: Mapping[str, Mapping[str, Any]], rows: pd.DataFrame, samples: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows and samples with `writers`, rows also with `writers_se` and `gold_writers_corr`; unchanged without weights.

    Null where the stage `units` is not done.
    """
    weights = weights_of(config)
    if not weights:
        return rows, samples
    metrics = stages.get("units", {}).get("metrics", {})
    unit = metrics.get("rubric_sd", float("nan")) / metrics.get("writers_sd", float("nan"))
    samples = samples.assign(writers=_weighted(samples, weights, unit))
    report = samples[samples["split"] == REPORT]
    means = report.groupby(["row_id", "prompt_id"], sort=False)["writers"].mean()
    corr = {row: within_prompt_corr(texts, "gold", "writers") for row, texts in report.groupby("row_id", sort=False)}
    return rows.assign(
        writers=_weighted(rows, weights, unit),
        writers_se=rows["row_id"].map(means.groupby(level="row_id").sem(ddof=1)).astype(float),
        gold_writers_corr=rows["row_id"].map(corr).astype(float),
    ), samples


def _weighted(table: pd.DataFrame, weights: Mapping[str, float], unit: float) -> pd.Series:
    """The weighted sum of each line, in units of `unit` of the rubric's."""
    total = table["rubric"].astype(float)
    for part, weight in weights.items():
        value = table[f"rubric_{part}"].astype(float) if f"rubric_{part}" in table else float("nan")
        total = total + (weight - 1) * value
    return unit * total

"""Stage `bon`: best-of-n by one proxy, evaluated over the pool. One row for each n; n = 1 is pi_ref."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from bench.core.records import (
    POOL_COLUMNS,
    REPORT,
    ROW_COLUMNS,
    SAMPLE_COLUMNS,
    SELECT,
    frame,
    read_parquet,
    write_parquet,
)
from bench.engine.stage import Context
from bench.lm.codec import encode
from bench.measure.best_of_n import analytic_kl, best_of_n_weights, measured_kl
from bench.measure.evaluate import clustered
from bench.measure.text import repetition
from bench.pipeline.scoring import Measurement, open_measurement

AVERAGED = ("gold", "proxy", "rubric", "win_rate")


def run(context: Context) -> Mapping[str, Any]:
    """Writes rows.parquet, samples.parquet (the pick of the first n samples a prompt) and bon_pool.parquet."""
    folder = context.fresh()
    measurement = open_measurement(context)
    texts = read_parquet(context.inputs["pool"] / "samples.parquet")
    pool = score_pool(texts, measurement, context)
    rows, picks = [], []
    smallest = int(pool.groupby("prompt_id").size().min())
    for n in context.config["n"]:
        if n > smallest:
            raise ValueError(
                f"n = {n} is more than the pool's {smallest} samples a prompt; raise pool.samples_per_prompt"
            )
        row_id = f"n{n}"
        rows.append({**measurement.columns, "row_id": row_id, "n": n, **row_of(pool, n), "status": "ok"})
        first = pool[pool["sample_id"] < n]
        picks.append(pool.loc[first.groupby("prompt_id")["proxy"].idxmax()].assign(row_id=row_id))
    samples = pd.concat(picks, ignore_index=True)
    kept = [c for c in samples.columns if c in SAMPLE_COLUMNS or c.startswith("rubric_")]
    write_parquet(frame(rows, ROW_COLUMNS), folder / "rows.parquet")
    write_parquet(frame(samples[kept], SAMPLE_COLUMNS), folder / "samples.parquet")
    raw = pool.assign(rubric_raw=texts["rubric_raw"])
    write_parquet(frame(raw[[c for c in POOL_COLUMNS if c in raw]], POOL_COLUMNS), folder / "bon_pool.parquet")
    return {"status": "ok", "rows": len(rows)}


def score_pool(pool: pd.DataFrame, measurement: Measurement, context: Context) -> pd.DataFrame:
    """The pool with the proxy's scores, each distinct text scored once, and everything in standard units."""
    scoring = measurement.scoring
    distinct = pool.drop_duplicates("text_id")
    raw = []
    for start in range(0, len(distinct), 4096):
        part = distinct.iloc[start : start + 4096]
        rows = encode(measurement.tokenizer, part["prompt"].tolist(), part["response"].tolist(), part["eos"].tolist())
        raw.append(scoring.proxy.raw(rows.to(context.device)))
        context.report({"step": start + len(part), "steps": len(distinct), "status": "scoring the pool"})
    by_text = pd.Series(np.concatenate(raw), index=distinct["text_id"].to_numpy())
    ids = pool["prompt_id"].to_numpy(str)
    pool = pool.assign(proxy_raw=by_text.loc[pool["text_id"].to_numpy()].to_numpy())
    units = scoring.rubric_units
    scoring.standardize(pool)
    for name in units.centre.columns:
        centre = units.centre.loc[ids, name].to_numpy()
        pool[f"rubric_{name}"] = (pool[f"rubric_raw_{name}"].to_numpy(float) - centre) / units.sd
    pool["rubric"] = (pool["rubric_raw"].to_numpy(float) - units.centre.loc[ids].sum(axis=1).to_numpy()) / units.sd
    pool["win_rate"] = scoring.wins(pool)
    pool["repetition"] = [repetition(text) for text in pool["response"]]
    return pool.drop(columns=[c for c in pool.columns if c.startswith("rubric_raw")])


def row_of(pool: pd.DataFrame, n: int) -> dict[str, Any]:
    """The columns of best-of-n at one n: every per-sample number averaged under best-of-n's exact weights.

    The best is the best by the calibrated proxy, so that a proxy with a negative scale is read as PPO reads it.
    """
    weight = pool.groupby("prompt_id")["proxy"].transform(lambda scores: best_of_n_weights(scores.to_numpy(), n))
    kls = pool.groupby(["split", "prompt_id"])["proxy"].agg(lambda scores: measured_kl(scores.to_numpy(), n))
    names = [*AVERAGED, "gold_raw", "proxy_raw", "proxy_z", "repetition", "n_tokens", "eos"]
    names += [c for c in pool.columns if c.startswith("rubric_")]
    weighted = pool[names].astype(float).mul(weight, axis=0)
    means = weighted.groupby([pool["split"], pool["prompt_id"]]).sum(min_count=1)  # what is null stays null
    report, select = means.loc[REPORT], means.loc[SELECT]
    kl_report = kls.loc[REPORT]
    row: dict[str, Any] = {name: float(report[name].mean()) for name in names if name not in ("n_tokens", "eos")}
    row |= {f"{name}_se": clustered(report[[name]].reset_index(), name)[1] for name in AVERAGED}
    row |= {
        "kl": float(kl_report.mean()),
        "kl_se": float(kl_report.sem()),
        "kl_analytic": analytic_kl(n),
        "length": float(report["n_tokens"].mean()),
        "kl_per_token": float(kl_report.mean() / report["n_tokens"].mean()),
        "eos_rate": float(report["eos"].mean()),
        "truncated_rate": float(1 - report["eos"].mean()),
        "gold_rubric_corr": weighted_corr(pool[pool["split"] == REPORT], weight),
        "n_prompts": len(report),
        "kl_select": float(kls.loc[SELECT].mean()),
        "gold_select": float(select["gold"].mean()),
        "proxy_select": float(select["proxy"].mean()),
    }
    return row


def weighted_corr(pool: pd.DataFrame, weight: pd.Series) -> float:
    """Within-prompt gold-rubric correlation under best-of-n's weights; NaN where each prompt has a single pick."""
    w = weight.loc[pool.index]
    scores = pool[["gold", "rubric"]].astype(float)
    centre = scores.mul(w, axis=0).groupby(pool["prompt_id"]).transform("sum")
    root = (scores - centre).mul(np.sqrt(w), axis=0)
    norms = np.sqrt((root**2).sum())
    if norms.min() < 1e-9:
        return float("nan")
    return float((root["gold"] @ root["rubric"]) / (norms["gold"] * norms["rubric"]))

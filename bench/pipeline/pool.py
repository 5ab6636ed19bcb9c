"""Stage `pool`: many pi_ref samples a prompt, for best-of-n and for the gate on the world's headroom."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from bench.config.evaluation import PoolConfig
from bench.core.records import REPORT, SELECT, write_parquet
from bench.engine.stage import Context
from bench.measure.best_of_n import best_of_n_weights
from bench.pipeline.artifacts.world import WorldArtifact
from bench.pipeline.drawing import draw_reference
from bench.rewards.units import within_prompt_sd
from gold.model import load_gold, rubric_table

NEAR_MAX_SD = 0.1


def run(context: Context) -> Mapping[str, Any]:
    """Writes samples.parquet: gold_raw, rubric and parts, logp of every sample; equal texts share a text_id."""
    config = PoolConfig.model_validate(context.config["pool"])
    folder = context.fresh()
    tokenizer = WorldArtifact(context.inputs["world"]).tokenizer()
    gold = load_gold(context.inputs["gold"], tokenizer, context.device, context.part("rubric"))
    sizes = {SELECT: config.select_prompts, REPORT: config.report_prompts}
    prompts = pd.concat(
        [WorldArtifact(context.inputs["world"]).prompts(split, n) for split, n in sizes.items()], ignore_index=True
    )
    pool = draw_reference(context, prompts, config.samples_per_prompt, "pool", 0, gold)
    pool["text_id"] = text_ids(pool)
    pool["gold_raw"] = pool.groupby("text_id")["gold_raw"].transform("first")  # equal texts tie exactly
    distinct = ~pool["text_id"].duplicated()
    parts = rubric_table(context.part("rubric")({}), *(pool.loc[distinct, c].tolist() for c in ("prompt", "response")))
    parts = parts.add_prefix("rubric_raw_").assign(text_id=pool.loc[distinct, "text_id"].to_numpy())
    pool = pool.merge(parts, on="text_id", how="left", validate="many_to_one")
    pool["rubric_raw"] = pool.filter(regex="^rubric_raw_").sum(axis=1)
    write_parquet(pool, folder / "samples.parquet")
    return {"samples": len(pool), "distinct_texts": int(distinct.sum()), **headroom(pool)}


def text_ids(pool: pd.DataFrame) -> pd.Series:
    """An id for each (prompt, response, ended) in order of appearance: `<prompt_id>-<k>`."""
    ended = pool["response"].where(pool["eos"], pool["response"] + "\0")
    rank = ended.groupby(pool["prompt_id"]).transform(lambda texts: pd.factorize(texts)[0])
    return pool["prompt_id"] + "-" + rank.astype(str)


def headroom(pool: pd.DataFrame) -> dict[str, float | None]:
    """How far best-of-n by gold itself climbs above pi_ref, and how crowded gold's top is (report prompts)."""
    report = pool[pool["split"] == REPORT]
    sd = within_prompt_sd(report["gold_raw"].to_numpy(float), report["prompt_id"].to_numpy(str))
    by_prompt = [group.to_numpy(float) for _, group in report.groupby("prompt_id")["gold_raw"]]

    def gain(n: int) -> float | None:
        if n > min(map(len, by_prompt)):
            return None
        return float(np.mean([best_of_n_weights(g, n) @ g - g.mean() for g in by_prompt]) / sd)

    near = np.concatenate([g >= g.max() - NEAR_MAX_SD * sd for g in by_prompt])
    return {"best_of_64_gain": gain(64), "best_of_1024_gain": gain(1024), "near_max_share": float(near.mean())}

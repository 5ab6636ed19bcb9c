"""Stage `reference`: the stored pool of pi_ref samples that gives scores their zero on every measured prompt.

Gold's agreement with its writers' rubric, with the users' rubric, entropy and length are metrics of the pool. Stage
`units` draws such a pool on prompts of training's side, too.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from bench.core.records import write_parquet
from bench.engine.stage import Context
from bench.pipeline.artifacts.world import WorldArtifact
from bench.pipeline.drawing import draw_reference
from bench.rewards.units import within_prompt_corr, within_prompt_sd
from gold.base import Rubric
from gold.model import load_gold, rubric_table, writer_weights


def run(context: Context) -> Mapping[str, Any]:
    """Writes samples.parquet (gold_raw, rubric and its parts, logp, ...)."""
    return draw_pool(context, "reference")


def draw_pool(context: Context, stream: str) -> dict[str, Any]:
    """Write samples.parquet from the random stream `stream`; return the pool's metrics."""
    config, folder = context.config, context.fresh()
    world = WorldArtifact(context.inputs["world"])
    gold = load_gold(context.inputs["gold"], world.tokenizer(), context.device, context.part("rubric"))
    prompts = pd.concat([world.prompts(split, n) for split, n in config["prompts"].items()], ignore_index=True)
    pool = draw_reference(context, prompts, int(config["samples_per_prompt"]), stream, 0, gold)
    parts = rubric_table(context.part("rubric")({}), pool["prompt"].tolist(), pool["response"].tolist())
    pool["rubric_raw"] = parts.sum(axis=1).to_numpy()
    pool = pd.concat([pool, parts.add_prefix("rubric_raw_")], axis=1)
    write_parquet(pool, folder / "samples.parquet")
    ids, weights = pool["prompt_id"].to_numpy(str), writer_weights(context.inputs["gold"])
    return {
        "entropy_nats": float(-pool["logp"].mean()),
        "truncated_rate": float(1 - pool["eos"].mean()),
        "length": float(pool["n_tokens"].mean()),
        "gold_rubric_corr": within_prompt_corr(pool, "gold_raw", "rubric_raw"),
        "gold_sd_raw": within_prompt_sd(pool["gold_raw"].to_numpy(float), ids),
        "rubric_sd": within_prompt_sd(pool["rubric_raw"].to_numpy(float), ids),
        "samples": len(pool),
        **(_by_writers(pool, context.part("rubric")(weights)) if weights else {}),
    }


def _by_writers(pool: pd.DataFrame, rubric: Rubric) -> dict[str, float]:
    """Where writers weigh the rubric: its unit, and how gold and the users' rubric go with it."""
    texts = pool["prompt"].tolist(), pool["response"].tolist()
    pool = pool.assign(writers=rubric_table(rubric, *texts).sum(axis=1).to_numpy())
    return {
        "gold_writers_corr": within_prompt_corr(pool, "gold_raw", "writers"),
        "writers_rubric_corr": within_prompt_corr(pool, "writers", "rubric_raw"),
        "writers_sd": within_prompt_sd(pool["writers"].to_numpy(float), pool["prompt_id"].to_numpy(str)),
    }

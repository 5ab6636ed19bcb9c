"""Stage `reference`: the stored pool of pi_ref samples that gives every score its zero and its unit.

It also holds the first gates: entropy, length cap, and whether gold agrees with its writers' rubric. A gold that
does not follow that on pi_ref samples stops the run here. Its agreement with the users' rubric is only reported.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from bench.config.models import ReferenceConfig
from bench.core.records import REPORT, SELECT, write_parquet
from bench.engine.files import write_json
from bench.engine.stage import Context
from bench.errors import GateError
from bench.pipeline.artifacts.world import WorldArtifact
from bench.pipeline.drawing import draw_reference
from bench.rewards.units import GOLD_SD_LOGITS, within_prompt_corr, within_prompt_sd
from gold.base import Rubric
from gold.model import load_gold, rubric_table, writer_weights


def run(context: Context) -> Mapping[str, Any]:
    """Writes samples.parquet (gold_raw, rubric and its parts, logp, ...) and units.json."""
    config = ReferenceConfig.model_validate(context.config["reference"])
    folder = context.fresh()
    tokenizer = WorldArtifact(context.inputs["world"]).tokenizer()
    gold = load_gold(context.inputs["gold"], tokenizer, context.device, context.part("rubric"))
    prompts = pd.concat(
        [WorldArtifact(context.inputs["world"]).prompts(split, context.config[split]) for split in (SELECT, REPORT)],
        ignore_index=True,
    )
    pool = draw_reference(context, prompts, config.samples_per_prompt, "reference", 0, gold)
    parts = rubric_table(context.part("rubric")({}), pool["prompt"].tolist(), pool["response"].tolist())
    pool["rubric_raw"] = parts.sum(axis=1).to_numpy()
    pool = pd.concat([pool, parts.add_prefix("rubric_raw_")], axis=1)
    weights = writer_weights(context.inputs["gold"])
    corr = within_prompt_corr(pool, "gold_raw", "rubric_raw")
    by_writers = _by_writers(pool, context.part("rubric")(weights)) if weights else {}
    learned = by_writers.get("gold_writers_corr", corr)
    if not learned >= config.min_gold_rubric_corr:
        raise GateError(
            f"gold follows its rubric too little on pi_ref samples: within-prompt correlation "
            f"{learned:.3f}, needed {config.min_gold_rubric_corr}; train gold longer (gold.steps) or make it larger "
            "(gold.model)"
        )
    ids = pool["prompt_id"].to_numpy(str)
    gold_sd, rubric_sd = (within_prompt_sd(pool[c].to_numpy(float), ids) for c in ("gold_raw", "rubric_raw"))
    write_parquet(pool, folder / "samples.parquet")
    write_json(
        folder / "units.json",
        {"gold_scale": GOLD_SD_LOGITS / gold_sd, "gold_sd": GOLD_SD_LOGITS, "rubric_sd": rubric_sd},
    )
    return {
        "entropy_nats": float(-pool["logp"].mean()),
        "truncated_rate": float(1 - pool["eos"].mean()),
        "length": float(pool["n_tokens"].mean()),
        "gold_rubric_corr": corr,
        "gold_sd_raw": gold_sd,
        "rubric_sd": rubric_sd,
        "samples": len(pool),
        **by_writers,
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

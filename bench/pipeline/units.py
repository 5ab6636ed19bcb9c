"""Stage `units`: gold's and the rubric's unit, from a pool of pi_ref samples on prompts of training's side.

Labels, rewards and betas are in this unit, so it reads no prompt that anything is measured on.
"""

from collections.abc import Mapping
from typing import Any

from bench.engine.files import write_json
from bench.engine.stage import Context
from bench.pipeline.reference import draw_pool
from bench.rewards.units import GOLD_SD_LOGITS


def run(context: Context) -> Mapping[str, Any]:
    """Writes samples.parquet, as the stage `reference` does, and units.json."""
    metrics = draw_pool(context, "units")
    units = {
        "gold_scale": GOLD_SD_LOGITS / metrics["gold_sd_raw"],
        "gold_sd": GOLD_SD_LOGITS,
        "rubric_sd": metrics["rubric_sd"],
    }
    write_json(context.folder / "units.json", units)
    return metrics

"""Stage `gold`: a reward model trained on the preferences of its writers' rubric, or that rubric itself."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from pydantic import TypeAdapter

from bench.config.models import GoldConfig, TrainedGoldConfig
from bench.engine.files import write_json
from bench.engine.stage import Context
from bench.pipeline.artifacts.world import WorldArtifact
from bench.pipeline.world import check_distinct, prompt_table
from bench.rewards.model import RewardModel
from bench.worlds.base import World
from gold.train import train_gold
from gold.wide import Teacher

UNITS = (
    "(raw - c) / sd, where c is the mean raw score of pi_ref's samples of the prompt (`gold_raw` in\n"
    "  samples.parquet of the stage `reference`), sd the deviation within prompts (`gold_sd_raw` of stage `units`)."
)
"""How gold's raw scores become standard deviations above pi_ref."""


def run(context: Context) -> Mapping[str, Any]:
    """Writes gold.json and, for a trained gold, a Hugging Face sequence-classification folder."""
    config: GoldConfig = TypeAdapter(GoldConfig).validate_python(context.config["gold"])
    world = context.part("world").model_validate(context.config["world"]).build()
    folder = context.fresh()
    metrics: Mapping[str, Any] = {}
    if isinstance(config, TrainedGoldConfig):
        stored = WorldArtifact(context.inputs["world"])
        tokenizer = stored.tokenizer()
        _check_prompts(world, stored, config)
        teacher = Teacher(world, tokenizer, config.weights, context.part("rubric")({}))
        model, metrics = train_gold(config, teacher, context.device, context.report)
        model.save_pretrained(folder)
        stored.complete_reward(
            folder, "Gold, the reward model that labels", UNITS, RewardModel(model).score, context.device
        )
    write_json(folder / "gold.json", {"type": config.type, "weights": config.weights})
    return metrics


def _check_prompts(world: World, stored: WorldArtifact, config: TrainedGoldConfig) -> None:
    """Raises ConfigError where gold trains on a prompt of another split. It may draw more than the stored ones."""
    trained_on = prompt_table("gold", world.draw_prompts("gold", config.audit_prompts + config.prompts))
    others = stored.all_prompts()
    check_distinct(pd.concat([trained_on, others[others["split"] != "gold"]], ignore_index=True))

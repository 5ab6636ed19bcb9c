"""Stage `world`: the tokenizer, the prompts of every split, and the writers' demonstrations."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from bench.core.records import write_parquet
from bench.core.seeds import np_stream
from bench.engine.stage import Context
from bench.lm.codec import spelled
from bench.worlds.base import prompt_id


def run(context: Context) -> Mapping[str, Any]:
    """Writes tokenizer files, prompts.parquet and demonstrations.parquet."""
    config = context.part("world").model_validate(context.config)
    folder = context.fresh()
    world = config.build()
    spelled(world.tokenizer()).save_pretrained(folder)
    tables = []
    for split, n in config.splits.model_dump().items():
        prompts = world.draw_prompts(split, n)
        tables.append(pd.DataFrame({"split": split, "prompt_id": [prompt_id(p) for p in prompts], "prompt": prompts}))
        context.report({"status": f"{n} prompts of split {split}"})
    table = pd.concat(tables, ignore_index=True)
    write_parquet(table, folder / "prompts.parquet")
    rng = np_stream("demonstrations", config.seed)
    demonstrations = table.loc[table["split"] == "sft", ["prompt_id", "prompt"]].reset_index(drop=True)
    demonstrations["response"] = [world.write(prompt, rng) for prompt in demonstrations["prompt"]]
    write_parquet(demonstrations, folder / "demonstrations.parquet")
    return {
        "prompts": len(table),
        "distinct_prompts": int(table["prompt_id"].nunique()),
        "vocabulary": len(world.tokenizer()),
        "words_per_demonstration": float(demonstrations["response"].str.split().str.len().mean()),
    }

"""Stage `world`: the tokenizer, the prompts of every split, and the writers' demonstrations."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from bench.core.records import write_parquet
from bench.core.seeds import np_stream
from bench.engine.stage import Context
from bench.errors import ConfigError
from bench.lm.codec import spelled
from bench.worlds.base import prompt_id


def run(context: Context) -> Mapping[str, Any]:
    """Writes tokenizer files, prompts.parquet and demonstrations.parquet.

    Raises ConfigError where the world's splits share a prompt.
    """
    config = context.part("world").model_validate(context.config)
    folder = context.fresh()
    world = config.build()
    spelled(world.tokenizer()).save_pretrained(folder)
    tables = []
    for split, n in config.splits.model_dump().items():
        tables.append(prompt_table(split, world.draw_prompts(split, n)))
        context.report({"status": f"{n} prompts of split {split}"})
    table = pd.concat(tables, ignore_index=True)
    check_distinct(table)
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


def prompt_table(split: str, prompts: Sequence[str]) -> pd.DataFrame:
    """split, prompt_id, prompt."""
    return pd.DataFrame({"split": split, "prompt_id": [prompt_id(p) for p in prompts], "prompt": prompts})


def check_distinct(prompts: pd.DataFrame) -> None:
    """Raises ConfigError where a prompt is in more than one split, or twice in one."""
    repeated = prompts[prompts.duplicated("prompt_id", keep=False)]
    if repeated.empty:
        return
    splits = repeated.groupby("prompt_id", sort=False)["split"].unique()
    shared = splits[splits.str.len() > 1]
    one = (shared if len(shared) else splits).index[0]
    text, where = repeated.loc[repeated["prompt_id"] == one, "prompt"].iloc[0], " and ".join(splits[one])
    if len(shared):
        raise ConfigError(
            f"prompts of the world in more than one split: {len(shared)}, such as {text!r} in {where}; policies would "
            "be measured on prompts that training reads; make the world's splits disjoint"
        )
    raise ConfigError(
        f"prompts of the world repeated in a split: {len(splits)}, such as {text!r} in {where}; draw distinct prompts"
    )

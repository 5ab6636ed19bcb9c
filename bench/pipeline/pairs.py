"""Stage `pairs`: two responses a prompt, labelled by gold; with pi_ref's log-probs of both sides."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from bench.config.models import PairsConfig, Source
from bench.core.records import write_parquet
from bench.core.seeds import np_stream
from bench.core.types import Score
from bench.engine.files import read_json
from bench.engine.stage import Context
from bench.errors import GateError
from bench.pipeline.artifacts.pairs import label_noise
from bench.pipeline.artifacts.world import WorldArtifact
from bench.pipeline.drawing import draw_reference
from gold.labels import Labels, label
from gold.model import load_gold


def run(context: Context) -> Mapping[str, Any]:
    """Writes pairs.parquet: split (train, held_out), ids, texts, both gold scores (logits), and how it was labelled.

    Pairs with equal sides are dropped and counted.
    """
    config = PairsConfig.model_validate(context.config["pairs"])
    seed, world_folder = int(context.config["seed"]), context.inputs["world"]
    folder = context.fresh()
    tokenizer = WorldArtifact(world_folder).tokenizer()
    scale = read_json(context.inputs["units"] / "units.json")["gold_scale"]
    gold = load_gold(context.inputs["gold"], tokenizer, context.device, context.part("rubric"))

    available = WorldArtifact(world_folder).prompts("pairs")
    wanted = config.n + config.held_out
    if wanted > len(available):
        raise ValueError(
            f"{wanted} pairs need as many prompts; the world's pairs split has {len(available)}; "
            "lower pairs.n or pairs.held_out"
        )
    order = np_stream("pairs.prompts", seed).permutation(len(available))[:wanted]
    prompts = available.iloc[order].reset_index(drop=True)
    samples = draw_sides(context, prompts, config.source, seed, gold)
    labels = label(scale * samples["gold_raw"].to_numpy().reshape(-1, 2), config, np_stream("labels", seed))
    pairs = arrange(prompts, samples, labels, scale)
    pairs["split"] = ["train"] * config.n + ["held_out"] * config.held_out
    pairs, equal = without_equal(pairs)
    write_parquet(pairs, folder / "pairs.parquet")
    train = pairs[pairs["split"] == "train"]
    return {
        "pairs": len(train),
        "equal_pairs": equal["train"],
        "equal_held_out": equal["held_out"],
        "label_noise": label_noise(train),
        "flipped": float(train["flipped"].mean()),
        "mean_abs_margin_logits": float((train["gold_chosen_logits"] - train["gold_rejected_logits"]).abs().mean()),
    }


def draw_sides(context: Context, prompts: pd.DataFrame, source: Source, seed: int, gold: Score) -> pd.DataFrame:
    """Two adjacent responses a prompt: samples of pi_ref, or each the better of two of them by gold."""
    if source == "pi_ref":
        return draw_reference(context, prompts, 2, "pairs", seed, gold)
    samples = draw_reference(context, prompts, 4, "pairs", seed, gold)
    best_M2 = samples["gold_raw"].to_numpy().reshape(-1, 2, 2).argmax(2)
    if source == "mixture":
        plain_M = np_stream("pairs.mixture", seed).random(len(prompts)) < 0.5
        best_M2[plain_M] = 0
    rows = 2 * np.arange(2 * len(prompts)) + best_M2.flatten()
    return samples.iloc[rows].reset_index(drop=True)


def without_equal(pairs: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """The pairs whose sides differ, and by split how many equal ones were dropped.

    Sides that are equal as cut at T tokens hold no preference: their label is a coin. Raises GateError where a split
    would be empty.
    """
    equal = (pairs["chosen"] == pairs["rejected"]) & (pairs["chosen_eos"] == pairs["rejected_eos"])
    counts = {str(split): (int(part.sum()), len(part)) for split, part in equal.groupby(pairs["split"])}
    for split, (dropped, total) in counts.items():
        if dropped == total:
            raise GateError(
                f"both sides are equal in all {total} pairs of the split {split!r}: pi_ref writes one response to a "
                "prompt; train it less (sft.steps), or let responses be longer (sft.max_new_tokens)"
            )
    return pairs[~equal].reset_index(drop=True), {split: dropped for split, (dropped, _) in counts.items()}


def arrange(prompts: pd.DataFrame, samples: pd.DataFrame, labels: Labels, scale: float) -> pd.DataFrame:
    """One row a pair from two adjacent samples a prompt: the chosen side's columns, then the rejected side's."""
    table = prompts.drop(columns="split").copy()
    first = labels.first_M
    for side, index in (("chosen", np.where(first, 0, 1)), ("rejected", np.where(first, 1, 0))):
        rows = samples.iloc[2 * np.arange(len(table)) + index]
        table[side], table[f"{side}_eos"] = rows["response"].to_numpy(), rows["eos"].to_numpy()
        table[f"gold_{side}_logits"] = scale * rows["gold_raw"].to_numpy()
        table[f"ref_{side}_logp"] = rows["logp"].to_numpy()
    table["p_chosen"] = np.where(first, labels.p_first_M, 1 - labels.p_first_M)
    table["flipped"] = labels.flipped_M
    return table

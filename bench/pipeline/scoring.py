"""Builds a measurement from stored stages: gold, proxy, units and prompts, and the row columns that they decide."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from transformers import PreTrainedTokenizerFast

from bench.config.evaluation import MeasureConfig
from bench.core.records import REPORT, ROW_COLUMNS, SAMPLE_COLUMNS, SELECT, frame, write_parquet
from bench.engine.stage import Context
from bench.lm.policy import load_policy
from bench.measure.evaluate import Protocol
from bench.measure.scoring import Scoring
from bench.pipeline.artifacts.pairs import PairsArtifact, label_noise, pairs_of
from bench.pipeline.artifacts.proxy import ProxyArtifact
from bench.pipeline.artifacts.reference import ReferenceArtifact
from bench.pipeline.artifacts.world import WorldArtifact
from bench.rewards.base import Reward, RubricUnits
from bench.rewards.units import units_from_pool
from gold.model import load_gold, rubric_table


@dataclass(frozen=True)
class Measurement:
    """The scorers of a cell's policies. `columns` holds the row columns that its models and data decide."""

    tokenizer: PreTrainedTokenizerFast
    scoring: Scoring
    pairs: PairsArtifact
    columns: Mapping[str, Any]


def gold_reward(
    context: Context, reference: ReferenceArtifact, units: ReferenceArtifact, words: PreTrainedTokenizerFast
) -> Reward:
    """Gold centred on the pool `reference`, in the unit of `units`."""
    scale, sd = units.units["gold_scale"], units.units["gold_sd"]
    gold = load_gold(context.inputs["gold"], words, context.device, context.part("rubric"))
    return Reward(gold, units_from_pool(reference.pool, "gold_raw", scale, sd))


def open_measurement(context: Context) -> Measurement:
    """Load gold, proxy, units and pairs from a stage's inputs."""
    inputs, device = context.inputs, context.device
    tokenizer = WorldArtifact(inputs["world"]).tokenizer()
    reference, units = ReferenceArtifact(inputs["reference"]), ReferenceArtifact(inputs["units"])
    gold = gold_reward(context, reference, units, tokenizer)
    proxy, proxy_pairs = gold, None
    if "proxy" in inputs:
        fitted = ProxyArtifact(inputs["proxy"], context.part("reward").load)
        proxy, proxy_pairs = fitted.reward(reference, units, tokenizer, device), fitted.pairs
    pool = reference.pool
    parts = pool.groupby("prompt_id")[[c for c in pool.columns if c.startswith("rubric_raw_")]].mean()
    scoring = Scoring(
        gold=gold,
        proxy=proxy,
        rubric=partial(rubric_table, context.part("rubric")({})),
        rubric_units=RubricUnits(
            parts.rename(columns=lambda c: c.removeprefix("rubric_raw_")), units.units["rubric_sd"]
        ),
        pool={str(p): g.to_numpy(float) for p, g in pool.groupby("prompt_id")["gold_raw"]},
    )
    pairs = PairsArtifact(inputs["pairs"])
    trained_on = PairsArtifact(inputs.get("data", inputs["pairs"])).split("train")
    columns = {
        "proxy_params": proxy.params,
        "proxy_pairs_n": proxy_pairs,
        "pairs_n": len(trained_on),
        "label_noise": label_noise(trained_on),
    }
    return Measurement(tokenizer, scoring, pairs, columns)


def open_protocol(context: Context, measurement: Measurement) -> Protocol:
    """The prompts, the reference and the probes that policies are measured with."""
    config = MeasureConfig.model_validate(context.config["evaluation"])
    world = WorldArtifact(context.inputs["world"])
    sizes = {SELECT: config.select_prompts, REPORT: config.report_prompts}
    prompts = [world.prompts(split, n) for split, n in sizes.items()]
    held_out = measurement.pairs.split("held_out").head(config.probe_pairs)
    return Protocol(
        tokenizer=measurement.tokenizer,
        prompts=pd.concat(prompts, ignore_index=True),
        samples_per_prompt=config.samples_per_prompt,
        max_new_tokens=int(context.config["max_new_tokens"]),
        reference=load_policy(context.inputs["sft"], context.device).requires_grad_(False),
        probes=pairs_of(held_out, measurement.tokenizer, context.device),
        device=context.device,
    )


def sample_table(samples: pd.DataFrame) -> pd.DataFrame:
    """Samples of one policy in the contract's columns."""
    wanted = [c for c in samples.columns if c in SAMPLE_COLUMNS or c.startswith("rubric_")]
    return frame(samples[wanted], SAMPLE_COLUMNS)


def write_tables(rows: list[dict[str, Any]], samples: list[pd.DataFrame], folder: Path) -> None:
    """rows.parquet and samples.parquet; `row_id` holds only what follows `<cell>@`."""
    write_parquet(frame(rows, ROW_COLUMNS), folder / "rows.parquet")
    write_parquet(pd.concat(samples, ignore_index=True), folder / "samples.parquet")

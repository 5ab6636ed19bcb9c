"""Putting a cell's measurement together: judge, protocol and what the row's fixed columns say."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from transformers import PreTrainedTokenizerFast

from bench.config.evaluation import EvaluationConfig
from bench.config.methods import GOLD
from bench.core.records import (
    REPORT,
    ROW_COLUMNS,
    SAMPLE_COLUMNS,
    SCHEMA_VERSION,
    SELECT,
    frame,
    read_parquet,
    write_parquet,
)
from bench.core.types import Score
from bench.engine.stage import Context
from bench.lm.policy import load_policy
from bench.measure.evaluate import Judge, Protocol
from bench.pipeline.artifacts import (
    Proxy,
    label_noise,
    load_prompts,
    load_proxy,
    load_tokenizer,
    pairs_of,
    reference_pool,
)
from bench.rewards.units import units_from_pool
from gold.model import load_gold, rubric_table


@dataclass(frozen=True)
class Bench:
    """What every cell is given: the judge, the proxy, its reward and gold's in logits, the pairs, the tokenizer."""

    tokenizer: PreTrainedTokenizerFast
    judge: Judge
    proxy: Proxy
    reward: Score
    gold_reward: Score
    pairs: pd.DataFrame
    taught: pd.DataFrame  # those that offline methods learn from, by the data source that the cell names
    static: dict[str, Any]


def open_bench(context: Context) -> Bench:
    """Load gold, proxy, units and pairs from a cell's inputs."""
    tokenizer = load_tokenizer(context.inputs["world"])
    by_gold = context.config["static"]["proxy_id"] == GOLD
    pool, sizes = reference_pool(context.inputs["reference"], None if by_gold else context.inputs["proxy"])
    gold = load_gold(context.inputs["gold"], tokenizer, context.device)
    gold_units = units_from_pool(pool, "gold_raw", sizes["gold_scale"], sizes["gold_sd"])
    if by_gold:
        proxy, column = Proxy(gold, gold_units, None), "gold_raw"
    else:
        proxy, column = load_proxy(context.inputs["proxy"], pool, sizes["gold_sd"], context.device), "proxy_raw"
    parts = pool.groupby("prompt_id")[[c for c in pool.columns if c.startswith("rubric_")]].mean()
    judge = Judge(
        gold=gold,
        gold_units=gold_units,
        proxy=proxy.score,
        proxy_units=proxy.units,
        rubric=rubric_table,
        rubric_centre=parts.rename(columns=lambda c: c.removeprefix("rubric_")),
        rubric_sd=sizes["rubric_sd"],
        pool={str(p): g.to_numpy(float) for p, g in pool.groupby("prompt_id")["gold_raw"]},
    )
    pairs = read_parquet(context.inputs["pairs"] / "pairs.parquet")
    taught = read_parquet(context.inputs["data"] / "pairs.parquet") if "data" in context.inputs else pairs
    taught = taught[taught["split"] == "train"]
    static = {
        "schema": SCHEMA_VERSION,
        **context.config["static"],
        "proxy_params": proxy.params,
        "pairs_n": len(taught),
        "label_noise": label_noise(taught),
    }
    gold_reward = Proxy(gold, gold_units, None).in_logits(pool, "gold_raw")
    return Bench(tokenizer, judge, proxy, proxy.in_logits(pool, column), gold_reward, pairs, taught, static)


def open_protocol(context: Context, bench: Bench, config: EvaluationConfig) -> Protocol:
    """The prompts, the reference and the probes that a cell's policies are measured with."""
    sizes = {SELECT: config.select_prompts, REPORT: config.report_prompts}
    prompts = [load_prompts(context.inputs["world"], split, n) for split, n in sizes.items()]
    held_out = bench.pairs[bench.pairs["split"] == "held_out"].head(config.probe_pairs)
    return Protocol(
        tokenizer=bench.tokenizer,
        prompts=pd.concat(prompts, ignore_index=True),
        samples_per_prompt=config.samples_per_prompt,
        max_new_tokens=int(context.config["max_new_tokens"]),
        reference=load_policy(context.inputs["sft"], context.device).requires_grad_(False),
        probes=pairs_of(held_out, bench.tokenizer, context.device),
        device=context.device,
    )


def sample_table(samples: pd.DataFrame) -> pd.DataFrame:
    """Samples of one policy in the contract's columns."""
    wanted = [c for c in samples.columns if c in SAMPLE_COLUMNS or c.startswith("rubric_")]
    return frame(samples[wanted], SAMPLE_COLUMNS)


def write_tables(rows: list[dict[str, Any]], samples: list[pd.DataFrame], folder: Path) -> None:
    """rows.parquet and samples.parquet; `samples` holds what `sample_table` made."""
    write_parquet(frame(rows, ROW_COLUMNS), folder / "rows.parquet")
    write_parquet(pd.concat(samples, ignore_index=True), folder / "samples.parquet")

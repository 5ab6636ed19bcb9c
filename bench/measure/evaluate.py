"""Measuring a saved policy: fresh samples, every column of a row.

KL, scores and text statistics all come from the same samples at temperature 1. Main columns are over
the report prompts; the select prompts exist to choose rows and give the `*_select` columns alone.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from transformers import PreTrainedTokenizerFast

from bench.core.records import REPORT, SELECT
from bench.core.seeds import seed_of
from bench.core.types import Pairs, stack
from bench.lm.codec import decode, encode_prompts
from bench.lm.generate import generate_with_distributions
from bench.lm.kl import drawn_kl
from bench.lm.logprobs import batched_sequence_logps
from bench.lm.policy import Policy
from bench.measure.scoring import Scoring
from bench.measure.text import distinct2, repetition
from bench.rewards.units import within_prompt_corr


@dataclass(frozen=True)
class Protocol:
    """Prompts, models and limits of a measurement."""

    tokenizer: PreTrainedTokenizerFast
    prompts: pd.DataFrame  # split, prompt_id, prompt
    samples_per_prompt: int
    max_new_tokens: int
    reference: Policy
    probes: Pairs
    device: str


def draw(policy: Policy, protocol: Protocol, scoring: Scoring, seed: int, step: int) -> pd.DataFrame:
    """Draw samples of a policy and score them: one row a sample."""
    G, tokenizer = protocol.samples_per_prompt, protocol.tokenizer
    prompts = encode_prompts(tokenizer, protocol.prompts["prompt"].tolist()).repeat(G).to(protocol.device)
    generator = torch.Generator(protocol.device).manual_seed(seed_of("evaluate", seed, step))
    sequences, logps_BTV = generate_with_distributions(
        policy, prompts, protocol.max_new_tokens, tokenizer.eos_token_id, tokenizer.pad_token_id, generator
    )
    kl = drawn_kl(logps_BTV, protocol.reference, sequences)
    table = protocol.prompts.loc[protocol.prompts.index.repeat(G)].reset_index(drop=True)
    table["response"], table["eos"] = decode(tokenizer, sequences)
    table["n_tokens"] = sequences.lengths.cpu().numpy()
    for name, values in (("kl", kl.kl_B), ("logratio", kl.logratio_B), ("entropy", kl.entropy_B)):
        table[name] = values.double().cpu().numpy()
    return scoring.score(sequences, table)


def clustered(table: pd.DataFrame, column: str) -> tuple[float, float]:
    """Mean over samples, and its standard error clustered by prompt (NaN with a single prompt)."""
    by_prompt = table.groupby("prompt_id", sort=True)[column].mean()
    return float(by_prompt.mean()), float(by_prompt.sem(ddof=1)) if len(by_prompt) > 1 else float("nan")


def probe_columns(policy: Policy, probes: Pairs, beta: float | None) -> dict[str, float | None]:
    """Statistics of the policy on held-out pairs: log-ratios, accuracy, and beta times the mean margin."""
    chosen_B, rejected_B = batched_sequence_logps(policy, stack(probes.chosen, probes.rejected)).chunk(2)
    chosen, rejected = (chosen_B - probes.ref_chosen_B).double(), (rejected_B - probes.ref_rejected_B).double()
    margin = chosen - rejected
    wins = (margin > 0).double() + 0.5 * (margin == 0).double()
    return {
        "implicit_reward": beta * float(margin.mean()) if beta else None,
        "pair_accuracy": float(wins.mean()),
        "chosen_logratio": float(chosen.mean()),
        "rejected_logratio": float(rejected.mean()),
    }


def text_columns(report: pd.DataFrame) -> dict[str, float]:
    """Length and variety of the responses."""
    return {
        "length": float(report["n_tokens"].mean()),
        "repetition": float(np.mean([repetition(text) for text in report["response"]])),
        "distinct2": distinct2(report["response"].tolist()),
        "entropy": float(report["entropy"].mean()),
        "eos_rate": float(report["eos"].mean()),
        "truncated_rate": float(1 - report["eos"].mean()),
    }


def row_of(samples: pd.DataFrame) -> dict[str, Any]:
    """The columns of a row that come from its samples."""
    report, select = samples[samples["split"] == REPORT], samples[samples["split"] == SELECT]
    row: dict[str, Any] = {"n_prompts": report["prompt_id"].nunique()}
    names = [("kl", "kl"), ("kl_k1", "logratio"), ("gold", "gold"), ("proxy", "proxy"), ("rubric", "rubric")]
    for name, column in [*names, ("win_rate", "win")]:
        row[name], row[f"{name}_se"] = clustered(report, column)
    for name in [c for c in report.columns if c.startswith("rubric_")]:
        row[name] = float(report[name].mean())
    row["kl_per_token"] = float(report["kl"].sum() / report["n_tokens"].sum())
    row["gold_raw"], row["proxy_raw"] = float(report["gold_raw"].mean()), float(report["proxy_raw"].mean())
    row["proxy_z"] = float(report["proxy_z"].mean())
    row["gold_rubric_corr"] = within_prompt_corr(report, "gold", "rubric")
    for name in ("kl", "gold", "proxy"):
        row[f"{name}_select"] = float(select[name].mean())
    return row | text_columns(report)


def evaluate(
    policy: Policy, protocol: Protocol, scoring: Scoring, seed: int, step: int, beta: float | None
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Measure a policy: the columns of its row, and the samples behind them."""
    samples = draw(policy, protocol, scoring, seed, step)
    return row_of(samples) | probe_columns(policy, protocol.probes, beta), samples

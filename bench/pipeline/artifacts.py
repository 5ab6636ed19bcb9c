"""Reading what other stages wrote: tokenizer, prompts, scorers, pairs. The inverse of the stages' writing."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import final

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from bench.core.records import read_parquet
from bench.core.types import Pairs, Sequences
from bench.engine.files import read_json
from bench.lm.codec import decode, decode_prompts, encode_prompts, encode_responses
from bench.lm.policy import parameter_count
from bench.rewards.model import load_reward_model
from bench.rewards.units import Units, units_from_pool


def load_tokenizer(world: Path) -> PreTrainedTokenizerFast:
    """The world's tokenizer."""
    return PreTrainedTokenizerFast.from_pretrained(world, local_files_only=True)


def load_prompts(world: Path, split: str, n: int | None = None) -> pd.DataFrame:
    """The first `n` prompts of a split: split, prompt_id, prompt."""
    table = read_parquet(world / "prompts.parquet")
    table = table[table["split"] == split].reset_index(drop=True)
    if n is not None and n > len(table):
        raise ValueError(f"{n} prompts of split {split!r} were asked for; the world holds {len(table)}")
    return table if n is None else table.head(n)


@final
@dataclass(frozen=True)
class Calibrated:
    """A scorer in logits, shifted by a constant so that pi_ref scores 0 on average. What PPO optimises."""

    raw: Callable[[Sequences], Float[Tensor, " B"]]
    scale: float
    shift: float

    def __call__(self, sequences: Sequences) -> Float[Tensor, " B"]:
        return self.scale * self.raw(sequences) - self.shift


@dataclass(frozen=True)
class Proxy:
    """A scorer with its units and size; gold itself can stand here."""

    score: Callable[[Sequences], Float[Tensor, " B"]]
    units: Units
    params: int | None

    def in_logits(self, pool: pd.DataFrame, column: str) -> Calibrated:
        """The calibrated reward, centred on the pi_ref pool whose raw scores stand in `column`."""
        scale = self.units.scale
        return Calibrated(self.score, scale, scale * float(pool[column].mean()))


def load_proxy(folder: Path, pool: pd.DataFrame, gold_sd: float, device: str) -> Proxy:
    """A fitted proxy; `pool` must hold its raw scores in `proxy_raw`."""
    model = load_reward_model(folder, device)
    scale = read_json(folder / "calibration.json")["scale"]
    units = units_from_pool(pool, "proxy_raw", scale, gold_sd)
    return Proxy(model.score, units, parameter_count(model))


def reference_pool(reference: Path, proxy: Path | None) -> tuple[pd.DataFrame, dict[str, float]]:
    """The pi_ref pool (with the proxy's raw scores, where there is a proxy) and the world's units."""
    pool = read_parquet(reference / "samples.parquet")
    if proxy is not None:
        pool["proxy_raw"] = read_parquet(proxy / "reference_scores.parquet")["proxy_raw"].to_numpy()
    return pool, read_json(reference / "units.json")


def pairs_of(table: pd.DataFrame, tokenizer: PreTrainedTokenizerFast, device: str) -> Pairs:
    """Stored pairs as tensors."""

    prompts = encode_prompts(tokenizer, table["prompt"].tolist())

    def side(name: str) -> Sequences:
        responses = encode_responses(tokenizer, table[name].tolist(), table[f"{name}_eos"].tolist())
        return Sequences(prompts.ids, prompts.mask, *responses)

    def logps(name: str) -> Tensor:
        return torch.tensor(table[f"ref_{name}_logp"].to_numpy(float), dtype=torch.float32)

    return Pairs(side("chosen"), side("rejected"), logps("chosen"), logps("rejected")).to(device)


def table_of_pairs(pairs: Pairs, tokenizer: PreTrainedTokenizerFast) -> pd.DataFrame:
    """Pairs as a table, which `pairs_of` reads back token for token."""
    table = pd.DataFrame({"prompt": decode_prompts(tokenizer, pairs.chosen.prompts)})
    for name, side, logp_B in (
        ("chosen", pairs.chosen, pairs.ref_chosen_B),
        ("rejected", pairs.rejected, pairs.ref_rejected_B),
    ):
        table[name], table[f"{name}_eos"] = decode(tokenizer, side)
        table[f"ref_{name}_logp"] = logp_B.double().cpu().numpy()
    return table


def label_noise(pairs: pd.DataFrame) -> float:
    """Share of pairs whose chosen side gold scores below the rejected one."""
    return float((pairs["gold_chosen"] < pairs["gold_rejected"]).mean())

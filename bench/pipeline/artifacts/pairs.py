"""Output of the stage `pairs`, and pairs as tensors or as tables."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import final

import pandas as pd
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from bench.core.records import read_parquet
from bench.core.types import Pairs, Sequences
from bench.lm.codec import decode, decode_prompts, encode_prompts, encode_responses


@final
@dataclass(frozen=True)
class PairsArtifact:
    """Labelled pairs: `train` ones fit proxies and policies, `held_out` ones calibrate and probe."""

    folder: Path

    @cached_property
    def table(self) -> pd.DataFrame:
        return read_parquet(self.folder / "pairs.parquet")

    def split(self, name: str) -> pd.DataFrame:
        return self.table[self.table["split"] == name].reset_index(drop=True)


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
    return float((pairs["gold_chosen_logits"] < pairs["gold_rejected_logits"]).mean())

"""Loading of gold: the trained reward model, or the rubric program used as gold."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from bench.core.types import Score, Sequences
from bench.engine.files import read_json
from bench.lm.codec import decode
from bench.rewards.model import load_reward_model
from gold.base import Rubric


def rubric_table(rubric: Rubric, prompts: Sequence[str], responses: Sequence[str]) -> pd.DataFrame:
    """The rubric's parts, one column each. A row sums to the rubric: the users', or with weights the writers'."""
    return pd.DataFrame([rubric.parts(p, r) for p, r in zip(prompts, responses, strict=True)])


def rubric_score(rubric: Rubric, tokenizer: PreTrainedTokenizerFast) -> Score:
    """A scorer of sequences by this rubric."""

    def score(sequences: Sequences) -> Float[Tensor, " B"]:
        rows = zip(sequences.prompt_ids.tolist(), sequences.prompt_mask.tolist(), strict=True)
        bodies = [[i for i, real in zip(ids, mask, strict=True) if real][1:-1] for ids, mask in rows]
        prompts = [" ".join(tokenizer.convert_ids_to_tokens(ids)) for ids in bodies]
        totals = rubric_table(rubric, prompts, decode(tokenizer, sequences)[0]).sum(axis=1)
        return torch.tensor(totals.to_numpy(np.float64), device=sequences.response_ids.device)

    return score


def writer_weights(folder: Path) -> dict[str, float]:
    """The writers' weights of the rubric's parts, from the gold stage's folder."""
    return read_json(folder / "gold.json")["weights"]


def load_gold(
    folder: Path, tokenizer: PreTrainedTokenizerFast, device: str, rubric: Callable[[Mapping[str, float]], Rubric]
) -> Score:
    """Load gold from the gold stage's folder, as a scorer in raw units. `rubric` makes the world's rubric."""
    if read_json(folder / "gold.json")["type"] == "rubric":
        return rubric_score(rubric(writer_weights(folder)), tokenizer)
    return load_reward_model(folder, device).score

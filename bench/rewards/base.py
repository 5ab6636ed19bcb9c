"""A reward: a scorer of responses with its units. Gold, a proxy and a rubric program are its kinds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import pandas as pd
from jaxtyping import Float
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from bench.core.types import Score, Sequences
from bench.lm.policy import TransformerPolicy
from bench.rewards.units import Units


@dataclass(frozen=True)
class Scorer:
    """Raw scores, and the size of the model behind them; None for a program."""

    score: Score
    params: int | None


@dataclass(frozen=True)
class FitInputs:
    """Inputs of fitting a proxy.

    `pairs` has the columns prompt, chosen, rejected, chosen_eos and rejected_eos. `lm` is the folder of the language
    model that it starts from. The last four are for audits that read gold: its score in logits, pi_ref, prompts and T.
    """

    pairs: pd.DataFrame
    tokenizer: PreTrainedTokenizerFast
    seed: int
    folder: Path
    device: str
    report: Callable[[Mapping[str, Any]], None]
    lm: Path | None = None
    gold: Score | None = None
    policy: TransformerPolicy | None = None
    prompts: Sequence[str] = ()
    max_new_tokens: int = 0


@final
@dataclass(frozen=True)
class Reward:
    """Raw scores and their units. `params` is the size of the model behind it, None for a program or for gold."""

    score: Score
    units: Units
    params: int | None = None

    def raw(self, sequences: Sequences) -> np.ndarray:
        """Raw scores (B,) in float64."""
        return self.score(sequences).double().cpu().numpy()

    def standard(self, raw: np.ndarray, prompt_ids: np.ndarray) -> np.ndarray:
        """Raw scores in gold standard deviations above pi_ref."""
        return self.units.standard(raw, prompt_ids)

    def z(self, raw: np.ndarray, prompt_ids: np.ndarray) -> np.ndarray:
        """Raw scores in this reward's standard deviations above pi_ref."""
        return self.units.z(raw, prompt_ids)

    def unstandard(self, standard: np.ndarray, prompt_ids: np.ndarray) -> np.ndarray:
        """The inverse of `standard`."""
        units = self.units
        return standard * units.gold_sd / units.scale + np.array([units.centre[p] for p in prompt_ids], float)

    def logits(self, pi_ref_mean: float) -> "Logits":
        """The calibrated reward that training optimises, shifted so that pi_ref's pool scores 0 on average."""
        return Logits(self.score, self.units.scale, self.units.scale * pi_ref_mean)


@final
@dataclass(frozen=True)
class Logits:
    """A score in logits: scale * raw - shift."""

    raw: Score
    scale: float
    shift: float

    def __call__(self, sequences: Sequences) -> Float[Tensor, " B"]:
        return self.scale * self.raw(sequences) - self.shift


@final
@dataclass(frozen=True)
class RubricUnits:
    """The rubric's zero and unit: each part's mean over every prompt's pi_ref pool, and the sum's within-prompt sd."""

    centre: pd.DataFrame  # by prompt id, a column a part
    sd: float

    def standard(self, parts: pd.DataFrame, prompt_ids: np.ndarray) -> pd.DataFrame:
        """Parts in rubric standard deviations above pi_ref."""
        return (parts - self.centre.loc[prompt_ids].to_numpy()) / self.sd


Pool = Mapping[str, np.ndarray]
"""By prompt id: pi_ref's raw gold scores."""

"""Output of the stage `train`: policies, and how the run ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, final

import pandas as pd

from bench.core.records import read_parquet
from bench.engine.files import read_json
from bench.lm.policy import TransformerPolicy, load_policy
from bench.training.track import POLICIES, SAVED


@final
@dataclass(frozen=True)
class TrainingArtifact:
    """The policies that a training saved, and how it ended."""

    folder: Path

    @cached_property
    def track(self) -> Mapping[str, Any]:
        return read_json(self.folder / SAVED)

    def policy(self, step: int, sft: Path, device: str) -> TransformerPolicy:
        """The policy after `step` steps; at 0 it is pi_ref."""
        return load_policy(self.folder / POLICIES / str(step) if step else sft, device)

    def pairs(self) -> pd.DataFrame:
        """Fresh pairs in the order in which they were sampled, where the run recorded them."""
        return read_parquet(self.folder / "pairs.parquet")

"""Output of the stage `reference`: a pool of pi_ref samples and the units on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import final

import pandas as pd

from bench.core.records import read_parquet
from bench.engine.files import read_json


@final
@dataclass(frozen=True)
class ReferenceArtifact:
    """A pool of pi_ref samples, and gold's and the rubric's units on it."""

    folder: Path

    @cached_property
    def pool(self) -> pd.DataFrame:
        return read_parquet(self.folder / "samples.parquet")

    @cached_property
    def units(self) -> Mapping[str, float]:
        """gold_scale (logits a raw unit), gold_sd (logits), rubric_sd."""
        return read_json(self.folder / "units.json")

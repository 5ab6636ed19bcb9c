"""Output of the stage `proxy`: a calibrated reward model."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import final

from transformers import PreTrainedTokenizerFast

from bench.core.records import read_parquet
from bench.engine.files import read_json
from bench.lm.codec import encode
from bench.pipeline.artifacts.reference import ReferenceArtifact
from bench.rewards.base import Reward, Scorer
from bench.rewards.units import units_from_pool


@final
@dataclass(frozen=True)
class ProxyArtifact:
    """A fitted reward model with its calibration and its raw scores of the unit's pi_ref pool."""

    folder: Path
    load: Callable[[Path, str], Scorer]

    def reward(
        self, reference: ReferenceArtifact, units: ReferenceArtifact, words: PreTrainedTokenizerFast, device: str
    ) -> Reward:
        """The proxy centred on the pool `reference`; gold's unit is that of `units`."""
        scorer = self.load(self.folder, device)
        if reference.folder == units.folder:
            raw = read_parquet(self.folder / "reference_scores.parquet")["proxy_raw"].to_numpy()
        else:
            rows = encode(words, *(reference.pool[c].tolist() for c in ("prompt", "response", "eos")))
            raw = scorer.score(rows.to(device)).double().cpu().numpy()
        scale = read_json(self.folder / "calibration.json")["scale"]
        pool = reference.pool.assign(proxy_raw=raw)
        return Reward(scorer.score, units_from_pool(pool, "proxy_raw", scale, units.units["gold_sd"]), scorer.params)

    @property
    def pairs(self) -> int | None:
        """Number of stored pairs that it was fitted to; None for one that was fitted to gold."""
        return read_json(self.folder / "calibration.json")["pairs"]

    def pi_ref_mean(self) -> float:
        """The mean raw score of the unit's pool."""
        return float(read_parquet(self.folder / "reference_scores.parquet")["proxy_raw"].mean())

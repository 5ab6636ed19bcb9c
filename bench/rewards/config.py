"""Configuration of the Bradley-Terry proxy, the built-in reward."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from bench.config.models import ModelConfig
from bench.config.reward import RewardConfig

if TYPE_CHECKING:
    from bench.rewards.base import FitInputs, Scorer


class BradleyTerryConfig(RewardConfig):
    """A Bradley-Terry reward model fitted to the pairs (TRL `RewardTrainer`).

    Or, for audits, one that is fitted to coin tosses (`permuted`), or to gold's scores of endless fresh samples
    (`distilled`): the effect of labels without information, and how much of gold a model of this size can learn.
    """

    type: Literal["bradley_terry"] = "bradley_terry"
    model: ModelConfig = ModelConfig()
    reading: Literal["tokens", "tokens_summed", "last"] = Field(
        default="tokens", description="the score from every token's log-prob, or from the last token's state"
    )
    init: Literal["lm", "scratch"] = "lm"
    labels: Literal["gold", "permuted", "distilled"] = "gold"
    pairs: int | None = Field(default=None, ge=8, description="the first so many of the suite's pairs; null for all")
    epochs: int = Field(default=2, ge=1, description="over the pairs")
    steps: int = Field(default=1_000, ge=1, description="of distillation, each on fresh samples")
    batch: int = Field(default=64, ge=1, description="pairs a step, of two samples each")
    lr: float = Field(default=1e-3, gt=0)

    @model_validator(mode="after")
    def _every_setting_acts(self) -> "BradleyTerryConfig":
        name, other = ("epochs", "steps") if self.needs_gold else ("steps", "epochs")
        self.refuse_unread(name, f"with labels={self.labels}; set {other} instead, which does")
        if self.needs_gold:
            self.refuse_unread("pairs", "with labels=distilled, which trains on fresh samples")
        return self

    @property
    def lm(self) -> ModelConfig | None:
        return self.model if self.init == "lm" else None

    @property
    def needs_gold(self) -> bool:
        return self.labels == "distilled"

    @property
    def per_step(self) -> Mapping[str, int]:
        return {} if self.needs_gold else {"pairs": self.batch}

    @property
    def says_nothing(self) -> bool:
        return self.labels == "permuted"

    @property
    def loading(self) -> str:
        return "" if self.reading == "last" else "import bench.rewards.token_reading"

    def seconds(self, pairs: int) -> float:
        if self.needs_gold:
            return 10 + 2 * self.batch * self.steps * 6e-3
        return 10 + 0.002 * min(pairs, self.pairs or pairs) * self.epochs

    def fit(self, inputs: "FitInputs") -> dict[str, float]:
        from bench.rewards.bradley_terry import fit_proxy
        from bench.rewards.distil import fit_distilled

        return fit_distilled(self, inputs) if self.needs_gold else fit_proxy(self, inputs)

    @staticmethod
    def load(folder: Path, device: str) -> "Scorer":
        from bench.lm.policy import parameter_count
        from bench.rewards.base import Scorer
        from bench.rewards.readings import load

        model = load(folder, device)
        return Scorer(model.score, parameter_count(model))

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
    init: Literal["lm", "scratch"] = "lm"
    labels: Literal["gold", "permuted", "distilled"] = "gold"
    epochs: int = Field(default=2, ge=1, description="over the pairs")
    steps: int = Field(default=1_000, ge=1, description="of distillation, each on fresh samples")
    batch: int = Field(default=64, ge=1, description="pairs a step, of two samples each")
    lr: float = Field(default=1e-3, gt=0)

    @model_validator(mode="after")
    def _every_setting_acts(self) -> "BradleyTerryConfig":
        name, other = ("epochs", "steps") if self.needs_gold else ("steps", "epochs")
        self.refuse_unread(name, f"with labels={self.labels}; set {other} instead, which does")
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

    def seconds(self, pairs: int) -> float:
        if self.needs_gold:
            return 10 + 2 * self.batch * self.steps * 6e-3
        return 10 + 0.002 * pairs * self.epochs

    def fit(self, inputs: "FitInputs") -> dict[str, float]:
        from bench.rewards.bradley_terry import fit_proxy
        from bench.rewards.distil import fit_distilled

        return fit_distilled(self, inputs) if self.needs_gold else fit_proxy(self, inputs)

    @staticmethod
    def load(folder: Path, device: str) -> "Scorer":
        from bench.lm.policy import parameter_count
        from bench.rewards.base import Scorer
        from bench.rewards.model import load_reward_model

        model = load_reward_model(folder, device)
        return Scorer(model.score, parameter_count(model))

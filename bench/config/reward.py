"""Fields shared by all proxies' configurations. A reward is one file with a `RewardConfig`, listed in the registry."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from bench.config.base import Config
from bench.config.models import ModelConfig


class RewardConfig(Config):
    """Settings of a proxy: how it is fitted to the pairs, and how its folder is read back."""

    type: str
    pairs: int | None = None
    """The first so many of the suite's pairs, to which it is fitted; None for all."""

    @property
    def lm(self) -> ModelConfig | None:
        """The size of the language model that it starts from; None where it starts from none."""
        return None

    @property
    def needs_gold(self) -> bool:
        """True if fitting reads gold's scores instead of labels: for audits only."""
        return False

    @property
    def says_nothing(self) -> bool:
        """True if it is fitted to coin tosses: a control, scaled to gold's spread because calibration gives 0."""
        return False

    @property
    def loading(self) -> str:
        """The statement that makes its class known to transformers; "" where the library knows it, or none is."""
        return ""

    @property
    def per_step(self) -> Mapping[str, int]:
        """Rows that one step of its fit takes: of `pairs`, stored pairs."""
        return {}

    def seconds(self, pairs: int) -> float:
        """A guess for scheduling: seconds of the fit on one core."""
        return 60.0

    @abstractmethod
    def fit(self, inputs: Any) -> dict[str, float]:
        """Fit to `bench.rewards.base.FitInputs`, write the folder, return metrics. Imports torch where it needs it."""

    @staticmethod
    @abstractmethod
    def load(folder: Any, device: str) -> Any:
        """From the folder that `fit` wrote to a `bench.rewards.base.Scorer`."""

"""The interface by which `Track` follows training: this project's `Trainer`, or another library's by a callback."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from bench.core.types import Counts
from bench.lm.policy import Policy


class Learner(ABC):
    """A policy that changes a step at a time. `pace` in (0, 1] multiplies the learning rates."""

    policy: Policy
    counts: Counts
    step: int
    pace: float

    @abstractmethod
    def advance(self) -> dict[str, Any]:
        """One step; returns means to log. Raises DivergedError where the loss is not finite."""

    @property
    @abstractmethod
    def drawn_kl(self) -> float | None:
        """KL (nats) of the policy that wrote the last batch; None where the batch was not its rollouts."""

    @abstractmethod
    def save_policy(self, folder: Path) -> None:
        """Write the policy as a Hugging Face folder."""

    @abstractmethod
    def save(self, file: Path) -> dict[str, Any]:
        """Write tensors to `file`; return the rest of the state as JSON values."""

    @abstractmethod
    def load(self, file: Path, state: dict[str, Any]) -> None:
        """Continue from what `save` wrote."""

"""What a sampler is: where a training step's batch comes from."""

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor

from bench.core.types import Counts
from bench.lm.policy import Policy


class Sampler(ABC):
    """Where a step's batch comes from. What it draws depends on the step, the policy, and at most a saved state."""

    name: str
    drawn_kl: float | None = None
    """Where batches are rollouts: the KL (nats, Rao-Blackwellised) of the policy that drew the last one.

    Pairs have none: a run that is taught another's pairs has nothing else to be watched by than the monitor's samples,
    and both must be watched alike to be the same run.
    """

    @abstractmethod
    def draw(self, policy: Policy, step: int, counts: Counts) -> Any:
        """The batch of this step; adds what it cost to `counts`."""

    def state(self) -> dict[str, Tensor]:
        """What a run that goes on after a break must be given back; most samplers need nothing."""
        return {}

    def load(self, state: dict[str, Tensor]) -> None:  # noqa: B027
        """Continue from what `state` gave."""

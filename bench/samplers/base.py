"""The base class of samplers: the source of a training step's batch."""

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor

from bench.core.types import Counts
from bench.lm.policy import Policy


class Sampler(ABC):
    """The source of a step's batch, which depends on the step, the policy, and at most a saved state."""

    name: str
    drawn_kl: float | None = None
    """Where batches are rollouts: the KL (nats, Rao-Blackwellised) of the policy that drew the last one.

    Pairs have none. A run that replays another's pairs can be monitored only by fresh samples, and both runs must be
    monitored alike to be the same run.
    """

    @abstractmethod
    def draw(self, policy: Policy, step: int, counts: Counts) -> Any:
        """The batch of this step; adds what it cost to `counts`."""

    def state(self) -> dict[str, Tensor]:
        """Tensors that a resumed run needs; most samplers need none."""
        return {}

    def load(self, state: dict[str, Tensor]) -> None:  # noqa: B027
        """Continue from the tensors of `state`."""

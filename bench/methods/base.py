"""What a method is: a sampler times a loss. The training loop knows only these two classes."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from bench.core.types import Rows, Sequences
from bench.lm.model import Policy


@dataclass(frozen=True)
class Rollouts(Rows):
    """Fresh samples of the policy, scored, with the policy's and the reference's log-prob of every token."""

    sequences: Sequences
    score_B: Float[Tensor, " B"]
    logps_BT: Float[Tensor, "B T"]
    ref_logps_BT: Float[Tensor, "B T"]


@dataclass(frozen=True)
class Pairs(Rows):
    """Preference pairs, with the reference's summed log-prob of each side."""

    chosen: Sequences
    rejected: Sequences
    ref_chosen_B: Float[Tensor, " B"]
    ref_rejected_B: Float[Tensor, " B"]


@dataclass
class Counts:
    """What a run has consumed so far."""

    samples_seen: int = 0
    tokens_sampled: int = 0
    tokens_trained: int = 0
    labels_used: int = 0


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


class Loss(nn.Module, ABC):
    """What a batch teaches. Owns its parameters beyond the policy's (a critic), if any.

    `imitates`: responses are pulled up for what they are, so that even equal scores or sides move the policy.
    """

    name: str
    imitates = False

    def minibatches(self, policy: Policy, batch: Any, generator: torch.Generator) -> Iterator[Any]:
        """The minibatches of all passes over a batch, prepared before the first update: here the batch itself."""
        yield batch

    @abstractmethod
    def forward(self, policy: Policy, minibatch: Any) -> tuple[Float[Tensor, ""], dict[str, float]]:
        """The loss of one minibatch, and what to log."""

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Optimizer groups of the loss's own parameters, if any."""
        return []

"""The base class of losses. A loss defines how a batch changes the policy; a method is a sampler times a loss."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from bench.lm.policy import Policy


class Loss(nn.Module, ABC):
    """A training loss. It owns parameters beyond the policy's, such as a critic's, if any.

    `imitates`: responses become likelier whatever their scores, so even equal scores move the policy.
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
        """Optimizer groups of the loss's parameters, if any."""
        return []

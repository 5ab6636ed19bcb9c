"""The base class of rubrics: signed parts whose sum scores a response."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float


class Rubric(ABC):
    """A program that scores responses. Its constructor takes the weights of its parts; {} is the users' rubric."""

    weights: Mapping[str, float]
    part_names: Sequence[str]

    @abstractmethod
    def parts(self, prompt: str, response: str) -> dict[str, float]:
        """The weighted parts of one response, in the order of `part_names`."""

    @abstractmethod
    def deltas(self, prompt: str, response: str) -> Float[np.ndarray, "T R"]:
        """Change of each part by each word and, in the last row, by the end. Columns sum to `parts`."""

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Float[np.ndarray, " B"]:
        """The rubric of each response to its prompt."""
        pairs = zip(prompts, responses, strict=True)
        return np.array([sum(self.parts(p, r).values()) for p, r in pairs], dtype=np.float64)

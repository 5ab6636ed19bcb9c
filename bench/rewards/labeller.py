"""The form in which methods may use gold: a labeller of fresh pairs that counts its labels."""

from typing import final

from jaxtyping import Float
from torch import Tensor

from bench.core.types import Counts, Score, Sequences


@final
class Labeller:
    """Gold as a labeller of fresh pairs. It counts what it labels; nothing else of gold reaches a method."""

    def __init__(self, score: Score) -> None:
        self._score, self._labels = score, 0

    def __call__(self, sequences: Sequences) -> Float[Tensor, " B"]:
        """Scores in logits of pairs in adjacent rows: one label for every two rows."""
        self._labels += len(sequences) // 2
        return self._score(sequences)

    def charge(self, counts: Counts) -> None:
        """Add the labels since the last call to what the run has consumed."""
        counts.labels_used += self._labels
        self._labels = 0

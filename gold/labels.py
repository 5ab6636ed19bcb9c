"""Gold's labels of preference pairs: a Bradley-Terry draw or the higher score, with optional label flips."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from bench.config.models import PairsConfig


@dataclass(frozen=True)
class Labels:
    """Per pair (M,): whether the first response is chosen, the probability of that before flips, and the flips."""

    first_M: np.ndarray
    p_first_M: np.ndarray
    flipped_M: np.ndarray


def label(gold_M2: np.ndarray, config: PairsConfig, rng: np.random.Generator) -> Labels:
    """Label pairs of responses from gold's logits (M, 2).

    bradley_terry: P(first) = sigmoid(r1 - r2). argmax: the higher score; ties are fair coins.
    Each label is then flipped with probability `config.flip`.
    """
    margin = gold_M2[:, 0] - gold_M2[:, 1]
    p_first = expit(margin) if config.label == "bradley_terry" else (np.sign(margin) + 1) / 2
    first = rng.random(len(margin)) < p_first
    flipped = rng.random(len(margin)) < config.flip
    return Labels(first ^ flipped, p_first, flipped)

"""Training batches for gold: wide responses as token rows, with the rubric of every prefix.

The rubric changes word by word, so every token of a response carries a label. Writers' weights enter the scores but
not the part labels, so that gold still learns to detect parts of low weight. Called by train.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from bench.core.types import Sequences
from bench.lm.codec import encode
from bench.worlds.base import World
from gold.base import Rubric

DROP_EOS = 0.03  # share of responses without EOS, as if cut by the length limit
UNIT = 2.0  # rubric points in one logit of preference


@dataclass(frozen=True)
class ScoredBatch:
    """B responses with their rubric after 0, 1, .. T tokens (U = T + 1). A prompt's responses are adjacent."""

    sequences: Sequences
    deltas: Float[Tensor, "B U R"]  # change of each rubric part at each token, in logits, unweighted
    weights: Float[Tensor, " R"]

    @property
    def labelled(self) -> Bool[Tensor, "B U"]:
        """Positions with a label: after each token, EOS included, or after the prompt if the response is empty."""
        return torch.cat((self.sequences.lengths[:, None] == 0, self.sequences.response_mask), 1)

    @property
    def running(self) -> Float[Tensor, "B U"]:
        """The rubric of the response up to each token, in logits."""
        return (self.deltas * self.weights).sum(-1).cumsum(1)

    @property
    def rubric(self) -> Float[Tensor, " B"]:
        """The rubric of the whole response, in logits."""
        return (self.deltas * self.weights).sum((1, 2))

    def to(self, device: str) -> "ScoredBatch":
        return ScoredBatch(self.sequences.to(device), self.deltas.to(device), self.weights.to(device))


@dataclass(frozen=True)
class Teacher:
    """Source of gold's training data: a world, its rubric, and the writers' weights of the rubric's parts."""

    world: World
    tokenizer: PreTrainedTokenizerFast
    weights: Mapping[str, float]
    rubric: Rubric  # the users', unweighted

    def score(self, prompts: Sequence[str], responses: Sequence[str], ended: Sequence[bool]) -> ScoredBatch:
        """Token rows of responses with their rubric. Without EOS, the last token carries the end's value."""
        sequences, rubric = encode(self.tokenizer, prompts, responses, ended), self.rubric
        B, T = sequences.response_ids.shape
        deltas = np.zeros((B, T + 1, len(rubric.part_names)), dtype=np.float32)
        for row, prompt, text, length in zip(deltas, prompts, responses, sequences.lengths.tolist(), strict=True):
            table = rubric.deltas(prompt, text) / UNIT
            if len(table) > length:  # without EOS the last token carries the end's value, or the prompt if empty
                last = max(length - 1, 0)
                table = np.concatenate([table[:last], table[last:].sum(0)[None]])
            start = min(length, 1)
            row[start : start + len(table)] = table
        weights = torch.tensor([self.weights.get(name, 1.0) for name in rubric.part_names])
        return ScoredBatch(sequences, torch.from_numpy(deltas), weights)

    def wide_batch(self, prompts: Sequence[str], responses_per_prompt: int, rng: np.random.Generator) -> ScoredBatch:
        """`responses_per_prompt` fresh wide responses to each prompt."""
        texts = [text for prompt in prompts for text in self.world.wide(prompt, responses_per_prompt, rng)]
        repeated = [prompt for prompt in prompts for _ in range(responses_per_prompt)]
        ended = (rng.random(len(texts)) >= DROP_EOS).tolist()
        return self.score(repeated, texts, ended)

"""Batches for gold: wide responses as token rows, with the rubric of every beginning.

A rubric earned word by word labels each token, so one response teaches as much as its length. Where writers weigh its
parts, the weights are in every score and not in the parts' own labels: what counts half is still to be seen whole.
Called by train.py.
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
from gold.rubric import NotesRubric, rubric_of

DROP_EOS = 0.03  # share of responses shown without their end, as if cut by the length limit
UNIT = 2.0  # rubric points in one logit of preference


@dataclass(frozen=True)
class Judged:
    """B responses, the same number in a row for each prompt, judged after 0, 1, .. T of their tokens (U = T + 1)."""

    sequences: Sequences
    deltas: Float[Tensor, "B U R"]  # what each token changes in each part of the rubric, in logits, not weighed yet
    weights: Float[Tensor, " R"]

    @property
    def labelled(self) -> Bool[Tensor, "B U"]:
        """After each token, EOS included; after the prompt where no token follows."""
        return torch.cat((self.sequences.lengths[:, None] == 0, self.sequences.response_mask), 1)

    @property
    def running(self) -> Float[Tensor, "B U"]:
        """The rubric of the response up to each token, in logits."""
        return (self.deltas * self.weights).sum(-1).cumsum(1)

    @property
    def rubric(self) -> Float[Tensor, " B"]:
        """The rubric of the whole response, in logits."""
        return (self.deltas * self.weights).sum((1, 2))

    def to(self, device: str) -> "Judged":
        return Judged(self.sequences.to(device), self.deltas.to(device), self.weights.to(device))


@dataclass(frozen=True)
class Teacher:
    """Who shows gold responses and says what they are worth: a world, and how writers weigh its rubric's parts."""

    world: World
    tokenizer: PreTrainedTokenizerFast
    weights: Mapping[str, float]

    @property
    def rubric(self) -> NotesRubric:
        """The users', whose parts the writers weigh."""
        return rubric_of(self.world)

    def judge(self, prompts: Sequence[str], responses: Sequence[str], ended: Sequence[bool]) -> Judged:
        """Token rows of responses and their rubric. A response that has not ended keeps the judgement of its end."""
        sequences, rubric = encode(self.tokenizer, prompts, responses, ended), self.rubric
        B, T = sequences.response_ids.shape
        deltas = np.zeros((B, T + 1, len(rubric.part_names)), dtype=np.float32)
        for row, prompt, text, length in zip(deltas, prompts, responses, sequences.lengths.tolist(), strict=True):
            table = rubric.deltas(prompt, text) / UNIT
            if len(table) > length:  # no EOS to carry the end: the last token does, or the prompt if there is none
                last = max(length - 1, 0)
                table = np.concatenate([table[:last], table[last:].sum(0)[None]])
            start = min(length, 1)
            row[start : start + len(table)] = table
        weights = torch.tensor([self.weights.get(name, 1.0) for name in rubric.part_names])
        return Judged(sequences, torch.from_numpy(deltas), weights)

    def wide_batch(self, prompts: Sequence[str], responses_per_prompt: int, rng: np.random.Generator) -> Judged:
        """`responses_per_prompt` fresh wide responses to each prompt."""
        texts = [text for prompt in prompts for text in self.world.wide(prompt, responses_per_prompt, rng)]
        repeated = [prompt for prompt in prompts for _ in range(responses_per_prompt)]
        ended = (rng.random(len(texts)) >= DROP_EOS).tolist()
        return self.judge(repeated, texts, ended)

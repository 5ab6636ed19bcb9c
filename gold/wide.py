"""Batches for gold: wide responses as right-padded token rows, with the rubric of every beginning.

A rubric earned word by word labels each token, so one response teaches as much as its length. Where writers weigh its
parts, the weights are in every score and not in the parts' own labels: what counts half is still to be seen whole.
Called by train.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from bench.lm.tokens import pad, prompt_token_ids, response_token_ids
from bench.worlds.base import World
from gold.rubric import NotesRubric, rubric_of

DROP_EOS = 0.03  # share of responses shown without their end, as if cut by the length limit
UNIT = 2.0  # rubric points in one logit of preference


@dataclass(frozen=True)
class Judged:
    """B responses, the same number in a row for each prompt, right-padded with their prompts to L columns."""

    ids: Int[Tensor, "B L"]
    mask: Bool[Tensor, "B L"]
    response: Bool[Tensor, "B L"]  # response tokens, EOS included
    deltas: Float[Tensor, "B L R"]  # what each token changes in each part of the rubric, in logits, not weighed yet
    weights: Float[Tensor, " R"]

    @property
    def last(self) -> Int[Tensor, " B"]:
        """The column that the score is read from."""
        return self.mask.sum(1) - 1

    @property
    def running(self) -> Float[Tensor, "B L"]:
        """The rubric of the response up to each token, in logits."""
        return (self.deltas * self.weights).sum(-1).cumsum(1)

    @property
    def rubric(self) -> Float[Tensor, " B"]:
        """The rubric of the whole response, in logits."""
        return (self.deltas * self.weights).sum((1, 2))

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, index: Tensor, device: str) -> "Judged":
        """Some of the rows, without the columns that none of them uses."""
        width = int(self.mask[index].sum(1).max())
        tables = (self.ids, self.mask, self.response, self.deltas)
        ids, mask, response, deltas = (table[index, :width].to(device, non_blocking=True) for table in tables)
        return Judged(ids, mask, response, deltas, self.weights.to(device))


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
        heads = prompt_token_ids(self.tokenizer, prompts)
        tails = response_token_ids(self.tokenizer, responses, ended)
        rows = [head + tail for head, tail in zip(heads, tails, strict=True)]
        ids, mask = pad(rows, self.tokenizer.pad_token_id, left=False)
        response = torch.zeros_like(mask)
        rubric = self.rubric
        deltas = np.zeros((*ids.shape, len(rubric.part_names)), dtype=np.float32)
        for i, (head, tail, prompt, text) in enumerate(zip(heads, tails, prompts, responses, strict=True)):
            table = rubric.deltas(prompt, text) / UNIT
            if len(table) > len(tail):  # no EOS to carry the end: the last token does
                table = np.concatenate([table[: max(len(tail) - 1, 0)], table[max(len(tail) - 1, 0) :].sum(0)[None]])
            start = len(head) - (not tail)
            deltas[i, start : start + len(table)] = table
            response[i, start : len(head) + len(tail)] = True
        weights = torch.tensor([self.weights.get(name, 1.0) for name in rubric.part_names])
        return Judged(ids, mask, response, torch.from_numpy(deltas), weights)

    def wide_batch(self, prompts: Sequence[str], responses_per_prompt: int, rng: np.random.Generator) -> Judged:
        """`responses_per_prompt` fresh wide responses to each prompt."""
        texts = [text for prompt in prompts for text in self.world.wide(prompt, responses_per_prompt, rng)]
        repeated = [prompt for prompt in prompts for _ in range(responses_per_prompt)]
        ended = (rng.random(len(texts)) >= DROP_EOS).tolist()
        return self.judge(repeated, texts, ended)

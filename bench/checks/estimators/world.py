"""A process small enough to enumerate: four tokens, responses of at most three, tabular float64 policies and critics.

The pad token is an ordinary token and can be sampled, so that ids never reveal the mask. Probabilities are computed in
plain Python, independent of the code under test. The project's tests use this world too.
"""

import math
from collections.abc import Sequence
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from bench.core.types import Prompts, Sequences
from bench.lm.policy import Policy
from bench.losses.ppo import Critic

PAD, EOS, V, T = 0, 1, 4, 3
STATES = sum(V**k for k in range(6))  # prompts of up to two tokens, and three tokens of response
PROMPTS = ((2,), (3, 2))
Response = tuple[int, ...]


def state(read: Sequence[int]) -> int:
    """The index of a token string: bijective base V."""
    number = 0
    for token in read:
        number = number * V + token + 1
    return number


def states(ids_BL: Int[Tensor, "B L"], mask_BL: Bool[Tensor, "B L"]) -> Int[Tensor, "B L"]:
    """The state after each column. Masked columns are skipped."""
    at_B, columns = torch.zeros_like(ids_BL[:, 0]), []
    for ids_B, mask_B in zip(ids_BL.unbind(1), mask_BL.unbind(1), strict=True):
        at_B = torch.where(mask_B, at_B * V + ids_B + 1, at_B)
        columns.append(at_B)
    return torch.stack(columns, 1)


@final
class TabularPolicy(Policy):
    """A policy whose logits are looked up by the tokens so far."""

    def __init__(self, seed: int, spread: float = 1.0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.logits = nn.Parameter(spread * torch.randn(STATES, V, dtype=torch.float64, generator=generator))

    def forward(
        self, input_ids: Int[Tensor, "B L"], attention_mask: Bool[Tensor, "B L"], position_ids: Int[Tensor, "B L"]
    ) -> Float[Tensor, "B L V"]:
        return self.logits[states(input_ids, attention_mask)]


@final
class TabularCritic(Critic):
    """A critic whose values are looked up by the tokens so far, initially 0."""

    def __init__(self) -> None:
        super().__init__()
        self.values = nn.Parameter(torch.zeros(STATES, dtype=torch.float64))

    def forward(self, sequences: Sequences) -> Float[Tensor, "B T"]:
        at_BL = states(sequences.input_ids, sequences.attention_mask)
        return self.values[at_BL[:, sequences.prompt_ids.shape[1] - 1 : -1]]


def responses(longest: int = T) -> list[Response]:
    """All possible responses: those that end with EOS, and those of `longest` tokens without it."""
    ended: list[Response] = []
    running: list[Response] = [()]
    for _ in range(longest):
        grown = [(*head, token) for head in running for token in range(V)]
        ended += [r for r in grown if r[-1] == EOS]
        running = [r for r in grown if r[-1] != EOS]
    return ended + running


def probability(policy: TabularPolicy, prompt: Sequence[int], response: Response) -> float:
    """p(response | prompt), as a product over tokens."""
    product, read = 1.0, list(prompt)
    for token in response:
        weights = [math.exp(x) for x in policy.logits[state(read)].tolist()]
        product *= weights[token] / sum(weights)
        read.append(token)
    return product


def distribution(policy: TabularPolicy, prompt: Sequence[int], longest: int = T) -> Tensor:
    """Probabilities of `responses(longest)`; they sum to 1."""
    return torch.tensor([probability(policy, prompt, r) for r in responses(longest)], dtype=torch.float64)


def exact_kl(p: Tensor, q: Tensor) -> float:
    """KL(p || q) in nats over an enumerated space."""
    return float((p * (p.log() - q.log())).sum())


def prompts(times: int = 1, which: Sequence[Sequence[int]] = PROMPTS) -> Prompts:
    """The prompts, each repeated `times` times, padded on the left."""
    width = max(map(len, which))
    ids = torch.tensor([[PAD] * (width - len(p)) + list(p) for p in which])
    mask = torch.tensor([[False] * (width - len(p)) + [True] * len(p) for p in which])
    return Prompts(ids, mask).repeat(times)


def answers(which: Sequence[Sequence[int]], rows: Sequence[Response], width: int | None = None) -> Sequences:
    """Prompts `which` with one response each, padded on the right to `width`."""
    width = width or max(map(len, rows))
    encoded = prompts(1, which)
    ids = torch.tensor([[*r, *[PAD] * (width - len(r))] for r in rows])
    mask = torch.tensor([[True] * len(r) + [False] * (width - len(r)) for r in rows])
    return Sequences(encoded.ids, encoded.mask, ids, mask)


def sequences(prompt: Sequence[int], rows: Sequence[Response], width: int | None = None) -> Sequences:
    """Responses to one prompt, padded on the right to `width`."""
    return answers([prompt] * len(rows), rows, width)


def read_response(sequences: Sequences, row: int) -> Response:
    """The response tokens of a row, without padding."""
    return tuple(sequences.response_ids[row][sequences.response_mask[row]].tolist())

"""Exact answers on the enumerable world: optima, policies with a prescribed distribution, gradients, expectations.

Nothing here calls the code under test. `pair_rows`, `joined` and `Always` build its inputs.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from bench.checks.estimators.world import (
    EOS,
    STATES,
    Response,
    T,
    TabularPolicy,
    V,
    answers,
    distribution,
    read_response,
    responses,
    sequences,
    state,
    states,
)
from bench.core.types import Counts, Pairs, Score, Sequences
from bench.lm.policy import Policy
from bench.samplers.base import Sampler

Prompt = tuple[int, ...]
SHORT = 2  # tokens: 13 responses, 169 ordered pairs


def tilted(reference: TabularPolicy, prompt: Prompt, values: Tensor, longest: int = T) -> Tensor:
    """The normalised distribution pi_ref exp(values) over `responses(longest)`."""
    p = distribution(reference, prompt, longest) * values.exp()
    return p / p.sum()


def policy_of(wanted: dict[Prompt, Tensor], longest: int = T) -> TabularPolicy:
    """The tabular policy with this distribution over `responses(longest)` for each prompt."""
    policy = TabularPolicy(0)
    with torch.no_grad():
        for prompt, p in wanted.items():
            mass: dict[Response, float] = {}
            for response, share in zip(responses(longest), p.tolist(), strict=True):
                for n in range(1, len(response) + 1):
                    mass[response[:n]] = mass.get(response[:n], 0.0) + share
            for head, share in mass.items():
                policy.logits[state((*prompt, *head[:-1])), head[-1]] = np.log(share)
    return policy


def table_of(seed: int, spread: float = 1.0) -> Tensor:
    """A random value for each token string."""
    generator = torch.Generator().manual_seed(seed)
    return spread * torch.randn(STATES, dtype=torch.float64, generator=generator)


def score_of(table: Tensor) -> Score:
    """The score that looks up prompt and response in the table."""

    def score(rows: Sequences) -> Tensor:
        return table[states(rows.input_ids, rows.attention_mask)[:, -1]]

    return score


def values_of(table: Tensor, prompt: Prompt, longest: int = T) -> Tensor:
    """The table's value for each of `responses(longest)`."""
    return torch.stack([table[state((*prompt, *response))] for response in responses(longest)])


def numeric_gradient(
    function: Callable[[TabularPolicy], float], policy: TabularPolicy, prompts: Iterable[Prompt], longest: int = T
) -> Tensor:
    """Central differences of `function` in every reachable logit; 0 elsewhere.

    Accurate to 1e-9 for functions of order 1: truncation error 1e-5 squared, rounding error 1e-16 over 1e-5.
    """
    gradient, step = torch.zeros(STATES, V, dtype=torch.float64), 1e-5
    heads = [h for n in range(longest) for h in itertools.product(range(V), repeat=n) if EOS not in h]
    with torch.no_grad():
        for row in [state((*prompt, *head)) for prompt in prompts for head in heads]:
            for column in range(V):
                kept = policy.logits[row, column].item()
                policy.logits[row, column] = kept + step
                up = function(policy)
                policy.logits[row, column] = kept - step
                gradient[row, column] = (up - function(policy)) / (2 * step)
                policy.logits[row, column] = kept
    return gradient


def pair_rows(
    reference: TabularPolicy, prompt: Prompt, chosen: Sequence[Response], rejected: Sequence[Response]
) -> Pairs:
    """Pairs of one prompt, with pi_ref's log-probs."""
    longest = max(map(len, [*chosen, *rejected]))
    known = dict(zip(responses(longest), distribution(reference, prompt, longest).log(), strict=True))
    logps = [torch.stack([known[y] for y in side]) for side in (chosen, rejected)]
    return Pairs(sequences(prompt, chosen), sequences(prompt, rejected), *logps)


def all_pairs(reference: TabularPolicy, prompt: Prompt, longest: int = SHORT) -> Pairs:
    """Every ordered pair of responses, including equal ones. The chosen side varies slowest."""
    chosen, rejected = zip(*itertools.product(responses(longest), repeat=2), strict=True)
    return pair_rows(reference, prompt, chosen, rejected)


@final
class Always(Sampler):
    """A sampler that returns the same batch at every step."""

    name = "always"

    def __init__(self, batch: Any) -> None:
        self.batch = batch

    def draw(self, policy: Policy, step: int, counts: Counts) -> Any:
        return self.batch


def joined(batches: Sequence[Pairs]) -> Pairs:
    """Concatenate batches of pairs of this world, padded to T columns."""
    rows = [[read_response(side, i) for side in (b.chosen, b.rejected)] for b in batches for i in range(len(b))]
    encoded = [zip(b.chosen.prompt_ids, b.chosen.prompt_mask, strict=True) for b in batches]
    prompts = [tuple(ids[mask].tolist()) for batch in encoded for ids, mask in batch]
    chosen, rejected = (answers(prompts, [row[side] for row in rows], T) for side in (0, 1))
    logps = (torch.cat([getattr(b, name) for b in batches]) for name in ("ref_chosen_B", "ref_rejected_B"))
    return Pairs(chosen, rejected, *logps)


def pair_weights(mu: Tensor, p_first: Tensor) -> Tensor:
    """Probability of each of `all_pairs` as (chosen, rejected), for two samples of mu: 2 mu(a) mu(b) P(a > b)."""
    return (2 * mu[:, None] * mu[None, :] * p_first).flatten()


def bradley_terry(values: Tensor) -> Tensor:
    """P(a > b) = sigmoid(r_a - r_b)."""
    return torch.sigmoid(values[:, None] - values[None, :])

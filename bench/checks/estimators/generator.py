"""Checks of the sampler and of the log-probs against enumerated probabilities."""

from collections.abc import Callable

import numpy as np
import torch
from scipy.stats import chisquare
from torch import Tensor

from bench.checks.estimators.check import Check, Measured, at_least, close
from bench.checks.estimators.world import (
    EOS,
    PAD,
    PROMPTS,
    T,
    TabularPolicy,
    distribution,
    prompts,
    read_response,
    responses,
    sequences,
)
from bench.core.seeds import stream
from bench.core.types import Sequences
from bench.lm.generate import generate, generate_with_logps
from bench.lm.logprobs import batched_sequence_logps, sequence_logps

POLICY = TabularPolicy(0)


def samples(n: int, name: str) -> Sequences:
    """Samples for the longer toy prompt, from a batch whose other rows are padded."""
    both = prompts(n)
    rows = generate(POLICY, both, T, EOS, PAD, stream("selfcheck", name))
    return rows[torch.arange(n, 2 * n)]


def frequencies() -> Measured:
    """p-value of a chi-square test over all 40 responses. A correct sampler is below .001 once in a thousand seeds."""
    n, every = 20_000, responses()
    rows = samples(n, "frequencies")
    at = {response: i for i, response in enumerate(every)}
    counts = np.bincount([at.get(read_response(rows, i), 0) for i in range(n)], minlength=len(every))
    expected = n * distribution(POLICY, PROMPTS[1]).numpy()
    return at_least(1e-3, float(chisquare(counts, expected).pvalue))


def ends_at_eos() -> Measured:
    """Share of responses whose mask ends at the first EOS, or after T tokens without one. Exact."""
    n = 2000
    rows = samples(n, "ends")
    texts = [read_response(rows, i) for i in range(n)]
    right = [EOS not in y[:-1] and (y[-1:] == (EOS,) or len(y) == T) for y in texts]
    return close(1.0, np.mean(right), 0.0)


def log_probs(gather: Callable[[TabularPolicy, Sequences], Tensor]) -> Measured:
    """log p of every response against plain Python. EOS has a factor, a cut has none. Rounding: sums of three logs."""
    want = torch.cat([distribution(POLICY, prompt).log() for prompt in PROMPTS])
    got = torch.cat([gather(POLICY, sequences(prompt, responses())).detach() for prompt in PROMPTS])
    return close(want, got, 1e-12)


def kept_from_sampling() -> Measured:
    """Sums of the token log-probs returned by the sampler, against plain Python. Rounding: sums of three."""
    n = 400
    rows, logps_BT = generate_with_logps(POLICY, prompts(n), T, EOS, PAD, stream("selfcheck", "kept"))
    known = [dict(zip(responses(), distribution(POLICY, p).log().tolist(), strict=True)) for p in PROMPTS]
    want = [known[i // n][read_response(rows, i)] for i in range(2 * n)]
    return close(want, logps_BT.sum(1), 1e-12)


def total_probability() -> Measured:
    """The probabilities of all responses of at most two tokens sum to 1. Rounding: 13 float64 terms."""
    rows = sequences(PROMPTS[0], responses(2))
    return close(1.0, float(batched_sequence_logps(POLICY, rows).exp().sum()), 1e-12)


def padding() -> Measured:
    """Log-probs are invariant to four columns of padding on either side, with a real token under the mask."""
    rows = sequences(PROMPTS[1], responses())

    def wider(ids: torch.Tensor, mask: torch.Tensor, sides: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
        mask = torch.nn.functional.pad(mask, sides)
        return torch.nn.functional.pad(ids, sides).masked_fill(~mask, 3), mask

    padded = Sequences(
        *wider(rows.prompt_ids, rows.prompt_mask, (4, 0)), *wider(rows.response_ids, rows.response_mask, (0, 4))
    )
    want = distribution(POLICY, PROMPTS[1]).log()
    return close(want, batched_sequence_logps(POLICY, padded), 1e-12)


CHECKS: dict[str, Check] = {
    "frequencies, chi-square p": frequencies,
    "mask ends at EOS or at T": ends_at_eos,
    "log-probs, as a loss gathers them": lambda: log_probs(sequence_logps),
    "log-probs, as a measurement does": lambda: log_probs(batched_sequence_logps),
    "log-probs, kept from sampling": kept_from_sampling,
    "a cut has no factor": total_probability,
    "padding changes nothing": padding,
}

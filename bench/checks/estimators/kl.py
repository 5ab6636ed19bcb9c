"""Checks of the KL estimators and of their standard errors, against the enumerated KL.

`sharper` and `flatter` are the reference with its logits stretched and shrunk: the two signs of drift.
"""

from functools import cache, partial

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from bench.checks.estimators.check import Check, Measured, at_most, close, mean_is
from bench.checks.estimators.world import (
    EOS,
    PAD,
    PROMPTS,
    T,
    TabularPolicy,
    distribution,
    exact_kl,
    prompts,
    responses,
    sequences,
)
from bench.core.seeds import np_stream, stream
from bench.lm.generate import generate
from bench.lm.kl import SequenceKL, sequence_kl
from bench.measure.evaluate import clustered

REFERENCE = TabularPolicy(0)
FACTORS = {"sharper": 2.5, "flatter": 0.3, "near": 1.15}
DRAWN = 4000
RUNS, CLUSTERS, EACH = 500, 64, 3  # of the coverage: repeated runs, prompts a run, samples a prompt


def moved(name: str) -> TabularPolicy:
    """The reference, its logits times a factor."""
    policy = TabularPolicy(0)
    policy.logits.data.mul_(FACTORS[name])
    return policy


def exact(name: str, prompt: tuple[int, ...]) -> float:
    return exact_kl(distribution(moved(name), prompt), distribution(REFERENCE, prompt))


def k3(said: SequenceKL) -> Tensor:
    """exp(-log-ratio) - 1 + log-ratio: unbiased, non-negative; the harness does not report it."""
    return torch.expm1(-said.logratio_B) + said.logratio_B


ESTIMATORS = {"rao-blackwell": lambda said: said.kl_B, "k1": lambda said: said.logratio_B, "k3": k3}


def expectation(estimator: str, name: str) -> Measured:
    """Each prompt's estimates, weighed by exact probabilities, against the exact KL. Rounding of sums of 40 terms."""
    want, got = [], []
    for prompt in PROMPTS:
        said = sequence_kl(moved(name), REFERENCE, sequences(prompt, responses()))
        got.append(float(distribution(moved(name), prompt) @ ESTIMATORS[estimator](said)))
        want.append(exact(name, prompt))
    return close(want, got, 1e-10)


def sampled(estimator: str, name: str) -> Measured:
    """The mean over fresh samples of the sampler, within four of its standard errors of the exact KL."""
    drawn = generate(moved(name), prompts(DRAWN, PROMPTS[1:]), T, EOS, PAD, stream("selfcheck.kl", name))
    values = ESTIMATORS[estimator](sequence_kl(moved(name), REFERENCE, drawn))
    return mean_is(exact(name, PROMPTS[1]), values.numpy())


@cache
def intervals(name: str) -> dict[str, np.ndarray]:
    """For each estimator whether mean +- 1.998 standard errors (t, 63 degrees) covers the truth, run by run.

    A run draws 64 prompts, each either toy prompt with even chance, and three samples of each; the truth is the mean
    of the two prompts' KL. The standard error is the harness's, clustered by prompt.
    """
    n = RUNS * CLUSTERS
    which = np_stream("selfcheck.coverage").integers(0, 2, n)
    asked = prompts(1)[torch.as_tensor(which)].repeat(EACH)
    said = sequence_kl(
        moved(name), REFERENCE, generate(moved(name), asked, T, EOS, PAD, stream("selfcheck.kl", "cover"))
    )
    truth = np.mean([exact(name, prompt) for prompt in PROMPTS])
    ids = np.repeat(np.arange(n) % CLUSTERS, EACH)
    covered = {}
    for estimator, function in ESTIMATORS.items():
        runs = np.split(function(said).numpy(), RUNS)
        tables = (pd.DataFrame({"prompt_id": i, "x": x}) for i, x in zip(np.split(ids, RUNS), runs, strict=True))
        means, errors = np.array([clustered(table, "x") for table in tables]).T
        covered[estimator] = np.abs(means - truth) <= 1.998 * errors
    return covered


def coverage(estimator: str, name: str) -> Measured:
    """Coverage of 95% intervals. Allowed: four binomial standard errors of 500 runs, .039, and .01 for skewness."""
    return close(0.95, intervals(name)[estimator].mean(), 4 * np.sqrt(0.95 * 0.05 / RUNS) + 0.01)


def k3_under_covers() -> Measured:
    """At .36 nats k3's own standard error is already too small: its 95% intervals cover about 72%."""
    return at_most(0.8, float(intervals("sharper")["k3"].mean()))


def at_home() -> Measured:
    """A policy is at no distance from itself, on every sample. Exact."""
    said = sequence_kl(REFERENCE, TabularPolicy(0), sequences(PROMPTS[0], responses()))
    return close(0.0, torch.cat([said.kl_B, said.logratio_B]), 0.0)


CHECKS: dict[str, Check] = {
    "expected rao-blackwell, sharper": partial(expectation, "rao-blackwell", "sharper"),
    "expected rao-blackwell, flatter": partial(expectation, "rao-blackwell", "flatter"),
    "expected k1, sharper": partial(expectation, "k1", "sharper"),
    "expected k1, flatter": partial(expectation, "k1", "flatter"),
    "sampled rao-blackwell, sharper": partial(sampled, "rao-blackwell", "sharper"),
    "sampled rao-blackwell, flatter": partial(sampled, "rao-blackwell", "flatter"),
    "sampled k1, sharper": partial(sampled, "k1", "sharper"),
    "sampled k1, flatter": partial(sampled, "k1", "flatter"),
    "sampled k3, near": partial(sampled, "k3", "near"),
    "pi_ref against itself": at_home,
    "coverage of rao-blackwell, sharper": partial(coverage, "rao-blackwell", "sharper"),
    "coverage of k1, sharper": partial(coverage, "k1", "sharper"),
    "coverage of k3, sharper, is too low": k3_under_covers,
}

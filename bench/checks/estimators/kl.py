"""Checks of the KL estimators and their standard errors against the enumerated KL.

`sharper` and `flatter` scale the reference's logits up and down: the two directions of drift.
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
SAMPLES = 4000
RUNS, CLUSTERS, EACH = 500, 64, 3  # coverage: repeated runs, prompts per run, samples per prompt


def moved(name: str) -> TabularPolicy:
    """The reference with its logits scaled by a factor."""
    policy = TabularPolicy(0)
    policy.logits.data.mul_(FACTORS[name])
    return policy


def exact(name: str, prompt: tuple[int, ...]) -> float:
    return exact_kl(distribution(moved(name), prompt), distribution(REFERENCE, prompt))


def k3(kl: SequenceKL) -> Tensor:
    """exp(-log-ratio) - 1 + log-ratio: unbiased and non-negative. The harness does not report it."""
    return torch.expm1(-kl.logratio_B) + kl.logratio_B


ESTIMATORS = {"rao-blackwell": lambda kl: kl.kl_B, "k1": lambda kl: kl.logratio_B, "k3": k3}


def expectation(estimator: str, name: str) -> Measured:
    """Expectation of the estimates under exact probabilities, against the exact KL. Rounding: sums of 40 terms."""
    want, got = [], []
    for prompt in PROMPTS:
        kl = sequence_kl(moved(name), REFERENCE, sequences(prompt, responses()))
        got.append(float(distribution(moved(name), prompt) @ ESTIMATORS[estimator](kl)))
        want.append(exact(name, prompt))
    return close(want, got, 1e-10)


def sampled(estimator: str, name: str) -> Measured:
    """Mean over fresh samples, within four standard errors of the exact KL."""
    samples = generate(moved(name), prompts(SAMPLES, PROMPTS[1:]), T, EOS, PAD, stream("selfcheck.kl", name))
    values = ESTIMATORS[estimator](sequence_kl(moved(name), REFERENCE, samples))
    return mean_is(exact(name, PROMPTS[1]), values.numpy())


@cache
def intervals(name: str) -> dict[str, np.ndarray]:
    """For each estimator and run: does mean +- 1.998 standard errors (t, 63 degrees of freedom) cover the truth?

    A run has 64 prompts, each one of the two toy prompts at random, with three samples each. The truth is the mean of
    the two prompts' KL. The standard error is the harness's, clustered by prompt.
    """
    n = RUNS * CLUSTERS
    which = np_stream("selfcheck.coverage").integers(0, 2, n)
    rows = prompts(1)[torch.as_tensor(which)].repeat(EACH)
    kl = sequence_kl(moved(name), REFERENCE, generate(moved(name), rows, T, EOS, PAD, stream("selfcheck.kl", "cover")))
    truth = np.mean([exact(name, prompt) for prompt in PROMPTS])
    ids = np.repeat(np.arange(n) % CLUSTERS, EACH)
    covered = {}
    for estimator, function in ESTIMATORS.items():
        runs = np.split(function(kl).numpy(), RUNS)
        tables = (pd.DataFrame({"prompt_id": i, "x": x}) for i, x in zip(np.split(ids, RUNS), runs, strict=True))
        means, errors = np.array([clustered(table, "x") for table in tables]).T
        covered[estimator] = np.abs(means - truth) <= 1.998 * errors
    return covered


def coverage(estimator: str, name: str) -> Measured:
    """Coverage of 95% intervals. Tolerance: four binomial standard errors of 500 runs (.039), plus .01 for skewness."""
    return close(0.95, intervals(name)[estimator].mean(), 4 * np.sqrt(0.95 * 0.05 / RUNS) + 0.01)


def k3_under_covers() -> Measured:
    """At .36 nats the standard error of k3 is too small: its 95% intervals cover about 72%."""
    return at_most(0.8, float(intervals("sharper")["k3"].mean()))


def at_home() -> Measured:
    """The KL of a policy to itself is 0 on every sample. Exact."""
    kl = sequence_kl(REFERENCE, TabularPolicy(0), sequences(PROMPTS[0], responses()))
    return close(0.0, torch.cat([kl.kl_B, kl.logratio_B]), 0.0)


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

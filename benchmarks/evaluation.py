"""Time of one evaluation (`bench.measure.evaluate.evaluate`) and its parts, and of the best-of-n estimator.

The number of fresh samples is that of a row of `overopt`. Each part gets the same inputs as in the evaluation. The
remainder (units, means and standard errors, text statistics) is the total minus the parts.
"""

import math
from collections.abc import Callable

import numpy as np
from torch import Tensor

from bench.core.seeds import stream
from bench.core.types import Sequences
from bench.lm.codec import decode, encode_prompts
from bench.lm.generate import generate_with_distributions
from bench.lm.kl import drawn_kl
from bench.lm.policy import Policy, load_policy
from bench.measure.best_of_n import best_of_n_weights
from bench.measure.evaluate import Protocol, evaluate, probe_columns
from bench.measure.scoring import Scoring
from bench.pipeline.scoring import open_measurement, open_protocol
from benchmarks.material import MAX_NEW_TOKENS, cell_context, plan_of
from benchmarks.timing import Table, in_turn, milliseconds, publish, ratio, use_threads


def parts(policy: Policy, protocol: Protocol, scoring: Scoring) -> dict[str, Callable[[], object]]:
    """The expensive parts of an evaluation, each on the same samples."""
    ids, times = protocol.tokenizer, protocol.samples_per_prompt
    texts = protocol.prompts["prompt"].tolist()
    prompts = encode_prompts(ids, texts).repeat(times)
    copies = [text for text in texts for _ in range(times)]

    def sampling() -> tuple[Sequences, Tensor]:
        generator = stream("benchmarks.evaluation")
        return generate_with_distributions(
            policy, prompts, MAX_NEW_TOKENS, ids.eos_token_id, ids.pad_token_id, generator
        )

    samples, logps_BTV = sampling()
    responses, _ = decode(ids, samples)
    return {
        "sampling": sampling,
        "KL": lambda: drawn_kl(logps_BTV, protocol.reference, samples),
        "gold": lambda: scoring.gold.raw(samples),
        "proxy": lambda: scoring.proxy.raw(samples),
        "rubric": lambda: scoring.rubric(copies, responses),
        "held-out pairs": lambda: probe_columns(policy, protocol.probes, 0.1),
    }


def evaluation() -> Table:
    """An evaluation at the suite's default size, by part."""
    plan = plan_of()
    _, context = cell_context(plan)
    measurement = open_measurement(context)
    protocol = open_protocol(context, measurement)
    policy = load_policy(context.inputs["sft"], "cpu")
    pieces = parts(policy, protocol, measurement.scoring)
    rounds = in_turn({"whole": lambda: evaluate(policy, protocol, measurement.scoring, 0, 0, 0.1), **pieces})
    taken = {name: milliseconds(seconds) for name, seconds in rounds.items()}
    taken["the rest"] = round(2 * taken["whole"] - sum(taken.values()), 1)
    rows = [{"part": name, "ms": ms, "of the whole": round(ms / taken["whole"], 3)} for name, ms in taken.items()]
    samples = len(protocol.prompts) * protocol.samples_per_prompt
    return Table("Evaluating one saved policy", rows, f"Policy 2 x 64, gold 4 x 160, {samples} samples, 1 thread.")


def exact_weights(N: int, n: int) -> np.ndarray:
    """C(i-1, n-1) / C(N, n) in integers, rounded once, for ranks i = 1..N without ties."""
    every = math.comb(N, n)
    return np.array([math.comb(i - 1, n - 1) / every for i in range(1, N + 1)])


def best_of_n(N: int = 1024) -> Table:
    """The weights of one prompt's pool at every power of two up to N."""
    scores = np.random.default_rng(0).permutation(N).astype(float)
    order, ns = scores.argsort(), [2**k for k in range(int(math.log2(N)) + 1)]
    for n in ns:  # log-gamma of 1024 is about 6000, accurate to 1e-12 in float64
        np.testing.assert_allclose(best_of_n_weights(scores, n)[order], exact_weights(N, n), rtol=1e-9, atol=1e-15)
    rounds = in_turn(
        {
            "ours": lambda: [best_of_n_weights(scores, n) for n in ns],
            "exact": lambda: [exact_weights(N, n) for n in ns],
        }
    )
    row = {
        "N": N,
        "n": f"1, 2, .. {N}",
        "ours_ms": milliseconds(rounds["ours"]),
        "integers_ms": milliseconds(rounds["exact"]),
        **ratio(rounds, "exact", "ours"),
    }
    return Table("Best-of-n weights of one prompt, against exact integers", [row], "Equal to a relative 1e-9.")


def main() -> None:
    use_threads(1)
    publish("evaluation", evaluation())
    publish("best_of_n", best_of_n())


if __name__ == "__main__":
    main()

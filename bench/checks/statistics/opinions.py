"""Error rates and power of the second opinions beside the hump verdict's, and of weak and strong Goodhart.

Nulls are curves that do not turn: level, rising, and rising to a level (saturating), which a parabola fits badly.
docs/statistics.md has the table that `python -m bench.checks.statistics.opinions` prints.
"""

import sys
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from bench.checks.statistics.hump_power import DECLARED, Scene
from bench.checks.statistics.simulate import D, cells
from bench.stats.verdicts.hump import hump_test

Float = NDArray[np.float64]
SPREAD = 0.1  # between replicates, of the curve's size
CURVES: Mapping[str, Float] = {
    "level (pi_ref throughout)": np.zeros(len(D)),
    "rising, straight in d": D / D[-1],
    "rising, straight in log KL past 1 nat": np.log1p(D**2) / np.log1p(D[-1] ** 2),
    "saturating: 1 - exp(-d / 2)": 1 - np.exp(-D / 2),
    "saturating: 1 - exp(-2 d)": 1 - np.exp(-2 * D),
    "hump: rise 1, fall .2": Scene("", (1, 0), (0.2, 0)).draw(np.random.default_rng(0), 1)[0],
    "hump: rise 1, fall .5": Scene("", (1, 0), (0.5, 0)).draw(np.random.default_rng(0), 1)[0],
    "hump: best-of-n form, rise 1, fall 1.6": D * (0.8 - 0.16 * D),
}
TESTS = ("hump", "two lines", "end slopes", "weak", "strong")


def rates(truth: Float, replicates: int, runs: int, seed: int = 0) -> dict[str, float]:
    """The share of `runs` simulated settings in which each of TESTS is observed, by itself and uncorrected."""
    rng, fired = np.random.default_rng([seed, replicates]), np.zeros(len(TESTS))
    for _ in range(runs):
        sizes = rng.normal(1, SPREAD, replicates)
        found = hump_test(cells(rng, [size * truth for size in sizes]), DECLARED)
        second = found.second
        verdicts = (found, second.two_lines, second.end_slopes, found.weak, found.strong)
        fired += [one.verdict == "observed" for one in verdicts]
    return dict(zip(TESTS, (fired / runs).tolist(), strict=True))


def opinions_table(runs: int) -> Iterator[str]:
    """Lines of Markdown: one a truth and number of replicates, one column a test."""
    yield f"| truth | replicates | {' | '.join(TESTS)} |"
    yield "|---" * (2 + len(TESTS)) + "|"
    for name, truth in CURVES.items():
        for replicates in (1, 3):
            shares = " | ".join(f"{share:.3f}" for share in rates(truth, replicates, runs).values())
            yield f"| {name} | {replicates} | {shares} |"


if __name__ == "__main__":
    for line in opinions_table(int(sys.argv[1]) if len(sys.argv) > 1 else 200):
        print(line, flush=True)

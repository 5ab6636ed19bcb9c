"""Coverage of each kind of interval, by simulation: `python -m bench.checks.statistics.coverage [RUNS]`.

Prints the table of docs/coverage.md, and that of the hump verdict in docs/statistics.md. Every kind of interval that
the reports can show is counted, also those that do badly. Where the truth has no closed form it is the mean of the
estimate over all runs, so bias does not show; such kinds are marked with a star.
"""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from bench.checks.statistics import interval_kinds
from bench.checks.statistics.hump_power import hump_table
from bench.checks.statistics.interval_kinds import Case

SEED = 20221019


@dataclass(frozen=True)
class Count:
    """The share of the intervals made that holds the truth, and the share of `runs` in which none could be made."""

    kind: str
    runs: int
    covered: float
    unmade: float
    width: float

    @property
    def line(self) -> str:
        return f"| {self.kind} | {self.covered:.1%} | {self.width:.3f} | {self.unmade:.1%} |"


Simulation = Callable[[np.random.Generator], Mapping[str, Case]]


def count(simulation: Simulation, runs: int, seed: int = SEED) -> list[Count]:
    """Run a simulation, which returns one case of each of its kinds, `runs` times."""
    rng = np.random.default_rng(seed)
    cases: dict[str, list[Case]] = defaultdict(list)
    for _ in range(runs):
        for kind, case in simulation(rng).items():
            cases[kind].append(case)
    return [_count(kind, found) for kind, found in cases.items()]


def _count(kind: str, cases: list[Case]) -> Count:
    made = [case for case in cases if case.made]
    if not made:
        return Count(kind, len(cases), float("nan"), 1.0, float("nan"))
    estimated = np.asarray(np.mean(np.array([case.point for case in made]), axis=0))
    covered = float(np.mean([case.covers(estimated) for case in made]))
    width = float(np.median([case.width for case in made]))
    return Count(kind, len(cases), covered, 1 - len(made) / len(cases), width)


def tables(runs: int) -> Iterator[str]:
    """The lines of both tables: the coverage of every kind, then the hump verdict."""
    yield f"Coverage of 95% intervals, {runs} runs (two binomial errors: {2 * (0.95 * 0.05 / runs) ** 0.5:.1%}).\n"
    yield "| interval | holds the truth | median width | not made |\n|---|---|---|---|"
    for simulation in interval_kinds.SIMULATIONS:
        for found in count(simulation, runs):
            yield found.line
    yield f"\nShare of {2 * runs} simulated hump tests that call a hump.\n"
    yield hump_table(2 * runs)


if __name__ == "__main__":
    for line in tables(int(sys.argv[1]) if len(sys.argv) > 1 else 1000):
        print(line, flush=True)

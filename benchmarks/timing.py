"""Alternating timing of several sides, and the JSON file of results.

The sides run in turn, for several rounds. The first round is discarded, and each round starts with another side, so
that slow periods of the machine affect all sides alike. Times are wall-clock medians. A ratio is that of two medians;
its range is the smallest and the largest ratio of a single round.
"""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from bench.engine.files import read_json, write_json
from bench.engine.provenance import library_versions

RESULTS = Path(__file__).with_name("results.json")
ROUNDS = int(os.environ.get("BENCHMARK_ROUNDS", "7"))

Rounds = Mapping[str, Sequence[float]]
"""Seconds of every round, by side."""


@dataclass(frozen=True)
class Table:
    """The result of a benchmark: rows with equal columns, and a note on how to read them."""

    title: str
    rows: list[dict[str, Any]]
    note: str = ""


def in_turn(sides: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> Rounds:
    """Seconds of each side in each of `rounds` rounds, after one discarded round."""
    names = list(sides)
    taken: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds + 1):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            started = time.perf_counter()
            sides[name]()
            if turn:
                taken[name].append(time.perf_counter() - started)
    return taken


def milliseconds(seconds: Sequence[float]) -> float:
    """The median in ms, to three significant digits."""
    return float(f"{1000 * statistics.median(seconds):.3g}")


def ratio(rounds: Rounds, slower: str, faster: str) -> dict[str, Any]:
    """The columns `ratio` (of the medians) and `rounds` (smallest and largest ratio of a round)."""
    each = [a / b for a, b in zip(rounds[slower], rounds[faster], strict=True)]
    median = statistics.median(rounds[slower]) / statistics.median(rounds[faster])
    return {"ratio": round(median, 2), "rounds": f"{min(each):.2f}-{max(each):.2f}"}


def use_threads(threads: int) -> None:
    """Set torch's number of threads for this process."""
    torch.set_num_threads(threads)


def machine() -> dict[str, Any]:
    """The machine and the library versions of the figures."""
    return {
        "platform": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "rounds": ROUNDS,
        "versions": library_versions(),
    }


def publish(name: str, table: Table) -> None:
    """Write a benchmark's table to the results file and print it, one line per row."""
    results = read_json(RESULTS) if RESULTS.exists() else {}
    columns = list(table.rows[0])  # in the order of the page; a JSON object has none
    write_json(RESULTS, {**results, name: {**asdict(table), "columns": columns, "machine": machine()}})
    for row in table.rows:
        print(f"{name}: {json.dumps(row)}", flush=True)

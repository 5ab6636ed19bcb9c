"""Timing in turn, and the one JSON file that every benchmark writes its table to.

Sides are repeated one after another, first round thrown away, and each next round begins with another side, so
that a slow minute of the machine falls on all of them. Times are wall-clock medians; a ratio is that of two medians,
and beside it stand the least and the largest ratio of one round.
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
    """What a benchmark has to say: rows of equal columns, and a sentence on how to read them."""

    title: str
    rows: list[dict[str, Any]]
    note: str = ""


def in_turn(sides: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> Rounds:
    """Seconds of each side, `rounds` times in turn, after a round that is thrown away."""
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
    """The median, in ms, to three digits or more."""
    return float(f"{1000 * statistics.median(seconds):.3g}")


def ratio(rounds: Rounds, slower: str, faster: str) -> dict[str, Any]:
    """The columns `ratio` (of the medians) and `rounds` (least and largest of one round)."""
    each = [a / b for a, b in zip(rounds[slower], rounds[faster], strict=True)]
    median = statistics.median(rounds[slower]) / statistics.median(rounds[faster])
    return {"ratio": round(median, 2), "rounds": f"{min(each):.2f}-{max(each):.2f}"}


def use_threads(threads: int) -> None:
    """Threads of torch in this process from here on."""
    torch.set_num_threads(threads)


def machine() -> dict[str, Any]:
    """Where the figures come from."""
    return {
        "platform": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "rounds": ROUNDS,
        "versions": library_versions(),
    }


def publish(name: str, table: Table) -> None:
    """Put a benchmark's table into the results file and print it, a line a row."""
    results = read_json(RESULTS) if RESULTS.exists() else {}
    columns = list(table.rows[0])  # in the order of the page; a JSON object has none
    write_json(RESULTS, {**results, name: {**asdict(table), "columns": columns, "machine": machine()}})
    for row in table.rows:
        print(f"{name}: {json.dumps(row)}", flush=True)

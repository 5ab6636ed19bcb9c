"""Time of a finished run by stage: `python -m benchmarks.stages RUN`, from the run folder's stages.json.

Wall-clock seconds of each stage, with the run's number of workers. Cells are grouped by method.
"""

import statistics
import sys
from collections import defaultdict
from pathlib import Path

from bench.engine.files import read_json
from benchmarks.timing import Table, publish


def by_kind(run: Path) -> Table:
    """Stages by kind, with seconds and share of the total, the most expensive first."""
    taken: dict[str, list[float]] = defaultdict(list)
    for name, stage in read_json(run / "stages.json").items():
        taken[kind_of(name, stage["config"])].append(stage["wall_s"])
    total = sum(map(sum, taken.values()))
    rows = [
        {
            "stage": kind,
            "count": len(seconds),
            "each_s": round(statistics.median(seconds), 1),
            "all_s": round(sum(seconds)),
            "share": round(sum(seconds) / total, 3),
        }
        for kind, seconds in sorted(taken.items(), key=lambda item: -sum(item[1]))
    ]
    count = sum(map(len, taken.values()))
    rows.append({"stage": "all", "count": count, "each_s": "", "all_s": round(total), "share": 1})
    made = read_json(run / "run.json")
    note = f"{made['cpus']} cores; `each_s` is the median."
    return Table(f"A whole run of `{made['suite']}`, seconds of work by stage", rows, note)


def kind_of(name: str, config: dict) -> str:
    """The kind of a stage; for a cell, with its method."""
    kind = name.split("/")[0]
    return f"{kind}: {config['static']['method']}" if "static" in config else kind


def main(run: str) -> None:
    publish("stages", by_kind(Path(run)))


if __name__ == "__main__":
    main(sys.argv[1])

"""Run every benchmark and update the page: `python -m benchmarks.all [RUN]`.

Each benchmark runs in a separate process, because TRL seeds globally and patches models. RUN is a finished run folder,
for the table of stages; without it the previous table stays. Writes results.json and the tables of
docs/performance.md, and prints them.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.engine.files import read_json, write_text
from benchmarks.timing import RESULTS

DOCS = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- tables -->", "<!-- end of tables -->"
MODULES = ("on_policy", "preference", "sampling", "evaluation", "around", "growth")
ORDER = (
    *("on_policy", "preference", "sampling", "scoring", "evaluation", "best_of_n", "start_up", "report", "stages"),
    *("tokens", "prompts", "cells"),
)
SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


def markdown(results: dict[str, Any]) -> str:
    """All tables of the results, in the page's order."""
    return "".join(f"\n{table(results[name])}\n" for name in ORDER if name in results)


def table(result: dict[str, Any]) -> str:
    """One benchmark as a section."""
    columns, rows = result["columns"], result["rows"]
    lines = [f"### {result['title']}", "", line(columns), line("---" for _ in columns)]
    lines += [line(row[column] for column in columns) for row in rows]
    return "\n".join([*lines, "", *([result["note"], ""] if result["note"] else [])])


def line(cells: Any) -> str:
    return "| " + " | ".join(f"{cell:g}" if isinstance(cell, float) else str(cell) for cell in cells) + " |"


def on_page(page: str, tables: str) -> str:
    """The page with its tables replaced."""
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n{tables}{END}{rest.split(END)[1]}"


def main(arguments: list[str]) -> None:
    calls = [[module] for module in MODULES] + ([["stages", *arguments]] if arguments else [])
    for module, *rest in calls:
        subprocess.run(
            [sys.executable, "-m", f"benchmarks.{module}", *rest], check=True, env={**os.environ, **SETTINGS}
        )
    tables = markdown(read_json(RESULTS))
    write_text(DOCS, on_page(DOCS.read_text(encoding="utf-8"), tables))
    print(tables)


if __name__ == "__main__":
    main(sys.argv[1:])

"""Reads a cell's training log, log.jsonl: one JSON object a line."""

import json
from pathlib import Path

import pandas as pd


def read_log(path: Path) -> pd.DataFrame:
    """The log's entries; empty where there is none. A line cut short by a kill is left out."""
    if not path.exists():
        return pd.DataFrame()
    entries = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            entries.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return pd.DataFrame(entries)

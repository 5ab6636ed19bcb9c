"""Training diagnostics, read from each cell's log.jsonl: was it the method, or was it its training?

One panel a quantity, a line a cell: first replicates only, thinned by averaging neighbouring steps. `figures` calls it.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from reports.draw.figure import Figure, Key, Panel, Series
from reports.draw.style import method_color, method_label, shade
from reports.read.load import Cell, RunData
from reports.sections import words

_POINTS = 80  # a line
_QUANTITIES = {
    "kl": ("KL while training", "KL, monitored (nats)"),
    "pace": ("Pace of the governor", "learning rate multiplier"),
    "policy_loss": ("PPO: policy loss", "loss"),
    "value_loss": ("PPO: value loss", "loss"),
    "clip_share": ("PPO: clipped ratios", "share of tokens"),
    "old_kl": ("PPO: KL within a step", "nats a token"),
    "loss": ("Preference: loss", "loss"),
    "chosen_logratio": ("Preference: chosen", "log-ratio to π_ref (nats)"),
    "rejected_logratio": ("Preference: rejected", "log-ratio to π_ref (nats)"),
    "pair_accuracy": ("Preference: pairs ordered", "share of the batch"),
}


def training(run: RunData) -> Figure | None:
    """What was logged while training, over steps."""
    cells = [c for c in run.trained if run.is_first(c) and not c.best_of_n]
    logs = [(cell, log) for cell in cells if len(log := read_log(run.path / "cells" / cell.name / "log.jsonl"))]
    panels = [panel for name in _QUANTITIES if (panel := _panel(run, logs, name)) is not None]
    if not panels:
        return None
    methods = dict.fromkeys(cell.method for cell, _ in logs)
    return Figure(
        "training",
        "While training",
        words.TRAINING,
        "Quantities logged while training, over steps, one line a cell.",
        tuple(panels),
        tuple(Key(method_label(m), method_color(m), method=m) for m in methods),
    )


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


def _panel(run: RunData, logs: list[tuple[Cell, pd.DataFrame]], name: str) -> Panel | None:
    title, y_label = _QUANTITIES[name]
    series = []
    for cell, log in logs:
        if name not in log or (name == "loss" and "policy_loss" in log):
            continue
        known = log[["step", name]].dropna()
        if len(known) > 1:
            step, value = thinned(known.step.to_numpy(dtype=float)), thinned(known[name].to_numpy(dtype=float))
            series.append(Series(_called(cell), step, value, _color(run, cell), width=1.2, method=cell.method))
    return Panel(title, "step", y_label, tuple(series)) if series else None


def thinned(values: np.ndarray, points: int = _POINTS) -> np.ndarray:
    """Means of equal runs of neighbours, at most `points` of them."""
    parts = np.array_split(values, min(points, len(values)))
    return np.array([part.mean() for part in parts])


def _called(cell: Cell) -> str:
    beta = f", β = {cell.beta:g}" if np.isfinite(cell.beta) else ""
    return f"{method_label(cell.method)}{beta}, {cell.proxy_name}"


def _color(run: RunData, cell: Cell):
    betas = sorted({c.beta for c in run.trained if c.method == cell.method and np.isfinite(c.beta)})
    return shade(method_color(cell.method), betas.index(cell.beta) if cell.beta in betas else 0, len(betas))

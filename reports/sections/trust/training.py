"""Training diagnostics from each cell's log: was it the method, or was it its training?

One panel a quantity, a line a cell: first replicates only, thinned by averaging neighbouring steps.
"""

import numpy as np
import pandas as pd

from reports.analysis.analysis import Analysis
from reports.draw.figure import Figure, Key, Panel, Series, thinned
from reports.draw.labels import beta_label
from reports.draw.style import Color, method_color, method_label, shade
from reports.read.cell import Cell
from reports.read.run import RunData
from reports.sections.section import Section

_TRAINING = (
    "From each cell's log: first replicates, thinned by averaging neighbouring steps; paler lines are larger "
    "coefficients. KL here is the monitor's, from a few samples at each check; rows are measured afterwards on "
    "fresh samples."
)
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


def training(analysis: Analysis) -> Figure | None:
    """Logged quantities over steps."""
    run = analysis.run
    cells = [c for c in run.trained if run.is_first(c) and not c.best_of_n]
    logs = [(cell, log) for cell in cells if len(log := run.log(cell))]
    panels = [panel for name in _QUANTITIES if (panel := _panel(run, logs, name)) is not None]
    if not panels:
        return None
    kinds = dict.fromkeys(cell.kind for cell, _ in logs)
    return Figure(
        "training",
        "While training",
        _TRAINING,
        "Quantities logged while training, over steps, one line a cell.",
        tuple(panels),
        tuple(Key(method_label(kind), method_color(kind), method=kind.method) for kind in kinds),
    )


def _panel(run: RunData, logs: list[tuple[Cell, pd.DataFrame]], name: str) -> Panel | None:
    title, y_label = _QUANTITIES[name]
    series = []
    for cell, log in logs:
        if name not in log or (name == "loss" and "policy_loss" in log):
            continue
        known = log[["step", name]].dropna()
        if len(known) > 1:
            step, value = thinned(known.step.to_numpy(dtype=float)), thinned(known[name].to_numpy(dtype=float))
            series.append(
                Series(
                    f"{beta_label(cell)}, {cell.proxy_name}",
                    step,
                    value,
                    _color(run, cell),
                    width=1.2,
                    method=cell.method,
                )
            )
    return Panel(title, "step", y_label, tuple(series)) if series else None


def _color(run: RunData, cell: Cell) -> Color:
    betas = sorted({c.beta for c in run.trained if c.method == cell.method and np.isfinite(c.beta)})
    return shade(method_color(cell.kind), betas.index(cell.beta) if cell.beta in betas else 0, len(betas))


SECTION = Section("training", "While training", (training,))

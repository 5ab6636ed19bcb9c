"""Facts about the losses f(beta rho) themselves, read from training logs: f at 0, the expansion there, the best betas.

The oracle is `AT_ZERO`, derivatives by hand; logs hold what autograd and the training loop made of them.
"""

import numpy as np
import pandas as pd

from bench.config.margin_losses import AT_ZERO
from bench.stats.verdicts.evidence import Evidence, Inequality
from reports.analysis.analysis import Analysis
from reports.draw.figure import Float
from reports.facts.fact import Fact, decided, exact, unanswered
from reports.read.cell import Cell
from reports.read.pairs import learns_from_pairs, loss_of
from reports.read.run import RunData

_FLOAT32 = 1e-5  # of a loss near 1, summed over a batch
_ORDER = 2.5  # nearer to three than to two
_SMALL = (0.05, 0.5)  # root mean square of beta rho where the remainder is above rounding and the expansion still holds
_FEWEST, _BINS = 40, 8  # steps


def losses_at_zero(analysis: Analysis) -> list[Fact]:
    """11: the first batch, at pi_ref, has the loss f(0); the preference term is f'(0) beta times the mean margin."""
    facts = []
    for loss, logs in _logs(analysis.run).items():
        f0, f1, _ = AT_ZERO[loss]
        starts = [abs(float(log.loss.iloc[0]) - f0) for _, log in logs if log.step.iloc[0] == 1]
        if starts:
            how = f"the first step's loss beside f(0) = {f0:.4g}, {len(starts)} cells"
            facts.append(exact(11, f"{loss}: the loss at π_ref", max(starts), _FLOAT32, how))
        errors = [float(_slope_error(cell, log, f1).max()) for cell, log in logs if "preference_term" in log]
        if errors:
            how = f"preference term beside f'(0) β E[ρ], f'(0) = {f1:g}, every step of {len(errors)} cells"  # noqa: RUF001
            facts.append(exact(11, f"{loss}: the slope at π_ref", max(errors), _FLOAT32, how))
    return facts or [unanswered(11, "losses and their slopes at π_ref", "no preference cell with a log and a known f")]


def taylor_remainder(analysis: Analysis) -> list[Fact]:
    """12: two terms make up the squared loss; for smooth losses the rest is of third order or more."""
    facts = []
    for loss, logs in _logs(analysis.run).items():
        f0, _, f2 = AT_ZERO[loss]
        found = [terms for cell, log in logs if (terms := _expanded(cell, log, f0, f2)) is not None]
        if loss == "squared" and found:
            error = max(float(np.abs(remainder / size).max()) for remainder, _, size in found)
            how = f"loss − f(0) − both terms, relative to the largest of them, every step of {len(found)} cells"  # noqa: RUF001
            facts.append(exact(12, "squared: no remainder", error, _FLOAT32, how))
        elif loss in ("logistic", "exponential", "savage") and found:
            facts.append(_order(loss, *(np.concatenate(column) for column in list(zip(*found, strict=True))[:2])))
    return facts or [unanswered(12, "the expansion's remainder", "no preference cell logs its two terms")]


def best_betas_move(analysis: Analysis) -> list[Fact]:
    """15: the best beta goes inversely with |f''(0)/f'(0)|: slope -1 on log axes, tested below 0."""
    what, found = "the best β falls as |f''(0)/f'(0)| grows", analysis.strengths
    slope = analysis.slope
    if not slope.defined:
        return [unanswered(15, what, slope.reason)]
    how = "slope of log β over log |f''(0)/f'(0)|, −1 predicted, tested below 0"  # noqa: RUF001
    how += f"; {len(found)} losses, select prompts resampled" + (f"; {slope.reason}" if slope.reason else "")
    return [decided(15, what, Evidence((Inequality("slope", slope, 0.0, above=False),)), {"": slope}, how)]


def _logs(run: RunData) -> dict[str, list[tuple[Cell, pd.DataFrame]]]:
    """Logs of the preference cells by loss, where f is known and a beta and a loss are recorded."""
    found: dict[str, list[tuple[Cell, pd.DataFrame]]] = {}
    for cell in run.trained:
        if not cell.best_of_n and learns_from_pairs(cell) and loss_of(cell) in AT_ZERO and cell.beta > 0:
            log = run.log(cell)
            if "loss" in log:
                found.setdefault(loss_of(cell), []).append((cell, log))
    return found


def _slope_error(cell: Cell, log: pd.DataFrame, f1: float) -> Float:
    """The error of each step's preference term, relative to the means that it is a difference of."""
    scale = abs(f1) * cell.beta
    term = f1 * cell.beta * (log.chosen_logratio - log.rejected_logratio)
    size = np.maximum(1.0, scale * (np.abs(log.chosen_logratio) + np.abs(log.rejected_logratio)))
    return np.abs((log.preference_term - term) / size).to_numpy(dtype=float)


def _expanded(cell: Cell, log: pd.DataFrame, f0: float, f2: float) -> tuple[Float, Float, Float] | None:
    """At every step: remainder, root mean square of beta rho, and the largest of the terms; None without terms."""
    if not {"preference_term", "regularization_term"} <= set(log.columns):
        return None
    first, second = (log[f"{name}_term"].to_numpy(dtype=float) for name in ("preference", "regularization"))
    remainder = log.loss.to_numpy(dtype=float) - f0 - first - second
    rms = np.sqrt(np.maximum(2 * second / f2, 0.0)) if f2 else np.full(len(log), np.nan)
    return remainder, rms, np.max([np.full(len(log), f0), np.abs(first), np.abs(second)], axis=0)


def _order(loss: str, remainder: Float, rms: Float) -> Fact:
    """The slope of log remainder over log rms, both root mean squares of bins: single remainders cross 0."""
    what = f"{loss}: the remainder is of third order or more"
    inside = np.flatnonzero((rms > _SMALL[0]) & (rms < _SMALL[1]))
    if len(inside) < _FEWEST:
        return unanswered(12, what, f"fewer than {_FEWEST} steps with rms βρ from {_SMALL[0]} to {_SMALL[1]}")
    bins = np.array_split(inside[np.argsort(rms[inside], kind="stable")], _BINS)
    x, y = (np.log([np.sqrt(np.mean(v[b] ** 2)) for b in bins]) for v in (rms, remainder))
    order = float(np.polyfit(x, y, 1)[0])
    how = f"slope of log remainder over log βρ, root mean squares, {len(inside)} steps, tested above {_ORDER:g}"
    return Fact(12, what, "observed" if order > _ORDER else "not observed", f"order {order:.2f}", how)

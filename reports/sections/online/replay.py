"""Stored online pairs given to another policy, in order and shuffled; and whether a better classifier writes better.

`figures` calls it, `facts_online` asks it which cell a replay repeats.
"""

from dataclasses import replace

import numpy as np

from bench.stats.matched import at_kl
from bench.stats.two_settings import REACH, gold_at, last_shared
from reports.draw.figure import Dash, Figure, Float, Key, Panel, Series, padded
from reports.draw.style import INK, method_color, method_label
from reports.read.load import Cell, RunData
from reports.read.paths import by_accuracy, learns_from_pairs, loss_of, sampler_of
from reports.sections import words
from reports.sections.offline.family import keys_of
from reports.sections.online.spectrum import spread_of

_DASHES: dict[str, Dash] = {"replay": "dash", "replay_shuffled": "dot"}


def source_of(run: RunData, cell: Cell) -> Cell | None:
    """The cell whose pairs this one replays, at the same beta and replicate; None where the run has none."""
    name = run.config.get("method", {}).get(cell.method, {}).get("replay")
    alike = [c for c in run.trained if (c.method, c.beta, c.replicate) == (name, cell.beta, cell.replicate)]
    return alike[0] if alike else None


def replays_of(run: RunData) -> list[tuple[Cell, Cell]]:
    """Every cell that replays another's pairs, with that one."""
    replays = [c for c in run.trained if sampler_of(c).startswith("replay") and len(c.curve) > 1]
    return [(cell, source) for cell in replays if (source := source_of(run, cell)) is not None]


def replay(run: RunData) -> Figure | None:
    """Online, its pairs in order and shuffled, and stored pairs of pi_ref: over sqrt(KL), and as training goes on."""
    cells = _shown(run)
    if not cells:
        return None
    panels = []
    for x_label, x_of in ((words.D, _d), ("million responses trained on", _seen)):
        series = tuple(_line(cell, x_of(cell)) for cell in cells if np.isfinite(x_of(cell)).all())
        if series:
            panels.append(Panel("", x_label, words.GOLD, series, kl_on_top=x_of is _d))
    kinds = (Key("replayed in order", INK, "dash"), Key("replayed shuffled", INK, "dot"))
    alt = "Gold of an online run, of replays of its pairs, and of an offline run, over KL and over training."
    return Figure("replay", "The same pairs again", words.REPLAY, alt, tuple(panels), (*keys_of(cells), *kinds))


def _shown(run: RunData) -> list[Cell]:
    """First replicates at the smallest beta: the source below its replays, and an offline cell of the same loss."""
    pairs = [pair for pair in replays_of(run) if run.is_first(pair[0])]
    if not pairs:
        return []
    source = min((source for _, source in pairs), key=lambda c: c.beta)
    replays = [cell for cell, other in pairs if other.name == source.name]
    offline = [s[0] for s in spread_of(run) if sampler_of(s[0]) == "offline" and loss_of(s[0]) == loss_of(source)]
    return [*offline[:1], source, *replays]


def _line(cell: Cell, x: Float) -> Series:
    order = np.argsort(x, kind="stable")
    color, dash = method_color(cell.method), _DASHES.get(sampler_of(cell), "solid")
    drawn = Series(method_label(cell.method), x[order], cell.curve.gold[order], color, dash=dash, method=cell.method)
    return replace(drawn, row_ids=tuple(cell.curve.row_ids[i] for i in order))


def _d(cell: Cell) -> Float:
    return cell.curve.d


def _seen(cell: Cell) -> Float:
    return cell.rows.samples_seen.to_numpy(dtype=float, na_value=np.nan) / 1e6


def accuracy(run: RunData) -> Figure | None:
    """Gold against held-out pair accuracy: along training, and at the last KL that all reach."""
    settings = [cells for cells in spread_of(run) if np.isfinite(by_accuracy(cells[0]).gold).all()]
    if len(settings) < 2:
        return None
    along = tuple(_path(cells[0]) for cells in settings)
    panels = [_over_accuracy("Along training", along, 0.02)]
    kl = last_shared([c.curve for cells in settings for c in cells], run.budgets)
    if kl is not None:
        points = tuple(_point(cells, kl) for cells in settings)
        panels.append(_over_accuracy(f"At {kl:g} nats, the last that all reach", points, 0.01))
    keys = tuple(keys_of(cells[0] for cells in settings))
    alt = "Gold against accuracy on held-out pairs, one line a method, and one point a method at equal KL."
    return Figure("accuracy", "Does the better classifier write better?", words.ACCURACY, alt, tuple(panels), keys)


def _over_accuracy(title: str, series: tuple[Series, ...], air: float) -> Panel:
    x = np.concatenate([s.x for s in series])
    x_range = (float(x.min()) - air, float(x.max()) + air)
    y_range = padded([v for s in series for v in (s.y, s.low, s.high) if v is not None])
    return Panel(title, words.ACCURACY_AXIS, words.GOLD, series, x_range=x_range, y_range=y_range)


def _path(cell: Cell) -> Series:
    color = method_color(cell.method)
    dash: Dash = "solid" if learns_from_pairs(cell) else "dot"
    drawn = Series(method_label(cell.method), by_accuracy(cell).gold, cell.curve.gold, color, width=1.2, marker="dot")
    return replace(drawn, dash=dash, method=cell.method, row_ids=cell.curve.row_ids)


def _point(cells: list[Cell], kl: float) -> Series:
    """Accuracy and gold at the KL as claims read them: the t mean over replicates, else the first one."""
    gold, method = gold_at([c.curve for c in cells], kl), cells[0].method
    right = np.mean([at_kl(by_accuracy(c), kl, REACH).point for c in cells])
    x, y, low, high = (np.array([v]) for v in (right, gold.point, gold.low, gold.high))
    drawn = Series(method_label(method), x, y, method_color(method), low, high, line=False, marker="diamond")
    return replace(drawn, bars=True, method=method)

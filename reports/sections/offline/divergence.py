"""The KL at which the offline losses diverge, and a test that they share one curve after that.

At pi_ref all their gradients are parallel, and at a small beta they stay so for long: two losses then train the same
policy, step for step. `family` shows the figure and the table.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bench.stats.curves import Curve
from bench.stats.estimate import Estimate
from bench.stats.verdicts.evidence import decide
from bench.stats.verdicts.hump import DELTA
from bench.stats.verdicts.two_settings import PARTED, coincide
from reports.analysis.analysis import Analysis
from reports.analysis.gaps import Gaps
from reports.analysis.values import Values
from reports.draw.figure import Figure, Key, Panel, Series, furthest, thinned
from reports.draw.labels import difference_label, method_keys
from reports.draw.style import MUTED, method_color, method_label
from reports.draw.table import Row, Table, difference, missing
from reports.read.cell import Cell, shared
from reports.read.run import RunData

_MONITORED_D = "√KL to π_ref, monitored (nats)"
_PARTING = (
    "Each loss beside the first one, at the smallest β of both grids and at the middle ones: the difference of "
    "the margins (chosen minus rejected) on the same ten batches, relative to their size, against the largest KL "
    "that either cell had reached. Near 0 the two losses train one policy, step for step; past the dotted line "
    "they have diverged."
)
_EQUIVALENCE = (
    "Gold of each loss minus the first one's at the same KL, both at the β of the same rank in their grids. ± is "
    "half of the 95% interval: t over three or more shared replicates, else conditional on the first one, by "
    "prompt. Last column: an equivalence test over the budgets past the KL where the paths diverge (from the logs "
    "of the first replicates); at the smallest β the paths may never diverge. Not corrected for multiple "
    "comparisons."
)


def divergence(analysis: Analysis) -> Figure | None:
    """The difference of each loss's margins from the first loss's on the same batches, over KL."""
    run, family, panels = analysis.run, list(analysis.family.values()), []
    for title, place in (("Smallest β", 0.0), ("Middle β", 0.5)):
        cells = [_at_place(run, some, place) for some in family]
        gaps = [(c, analysis.values.gaps(cells[0], c)) for c in cells[1:]]
        series = [_gap_line(c, along) for c, along in gaps if len(along.gap)]
        if series:
            d = np.array([0.0, furthest(series)])
            limit = Series("parted", d, np.full(2, PARTED), MUTED, dash="dot", width=1.2)
            panels.append(Panel(title, _MONITORED_D, "difference of margins, relative", (*series, limit)))
    if not panels:
        return None
    limit_key = Key(f"{PARTED:.0%}: counted as parted", MUTED, "dot")
    first = method_label(family[0][0].kind)
    alt = f"Relative difference of the margins of the same batches from {first}, over KL."
    keys = (*method_keys(cells[0] for cells in family[1:]), limit_key)
    return Figure("parting", f"Where paths part from {first}", _PARTING, alt, tuple(panels), keys)


def _at_place(run: RunData, cells: Sequence[Cell], place: float) -> Cell:
    """The first replicate at the beta that lies `place` of the way up the grid."""
    first = [c for c in cells if run.is_first(c)]
    return first[int(place * (len(first) - 1))]


def _gap_line(cell: Cell, gaps: Gaps) -> Series:
    d, gap = thinned(np.sqrt(gaps.kl)), thinned(gaps.gap)
    return Series(method_label(cell.kind), d, gap, method_color(cell.kind), width=1.4, method=cell.method)


def equivalence(analysis: Analysis) -> Table:
    """Each other loss minus the first at each budget, at betas of equal rank, tested past their divergence."""
    run = analysis.run
    budgets = [b for b in run.budgets if run.entropy is None or b <= run.entropy]
    losses = [_by_beta(run, some) for some in analysis.family.values()]
    records, body = [], list[Row]()
    for other in losses[1:]:
        for one, base in zip(other, losses[0], strict=False):
            row, lines = _beside(analysis.values, one, base, budgets)
            body += [row] if lines else []
            records += lines
    verdict = f"within {DELTA:g} where parted"
    head = ("nats", "paths part at", *(f"{b:g}" for b in budgets), verdict)
    return Table("equivalence", "Are they one curve?", _EQUIVALENCE, pd.DataFrame(records), head, tuple(body))


def _by_beta(run: RunData, cells: Sequence[Cell]) -> list[list[Cell]]:
    return [run.replicates(c) for c in cells if run.is_first(c)]


def _beside(
    values: Values, other: list[Cell], base: list[Cell], budgets: Sequence[float]
) -> tuple[Row, list[dict[str, object]]]:
    """A row of the table and its lines in the CSV, which are none where no budget has a value."""
    mine, theirs = shared([c for c in other if len(c.curve) > 1], [c for c in base if len(c.curve) > 1])
    if not mine:
        return (), []
    ones, others = ([c.curve for c in cells] for cells in (mine, theirs))
    found = [values.difference(mine, theirs, b) for b in budgets]
    gaps = values.gaps(theirs[0], mine[0])
    parted = gaps.parted if len(gaps.gap) else float("nan")
    verdict, why = _judged(ones, others, [b for b, e in zip(budgets, found, strict=True) if e.defined], parted)
    place = f"{parted:.1f}" if np.isfinite(parted) else missing(why if parted > 0 else "no margins were logged")
    last = verdict if verdict else missing(why)
    name = difference_label(mine[0], theirs[0], values.run)
    return (name, place, *(difference(e) for e in found), last), [
        {"one": mine[0].name, "other": theirs[0].name, "parted_kl": parted, "budget_nats": b, **_columns(e)}
        | {"verdict": verdict, "why": why}
        for b, e in zip(budgets, found, strict=True)
        if e.defined
    ]


def _judged(ones: list[Curve], others: list[Curve], budgets: list[float], parted: float) -> tuple[str, str]:
    """The verdict of equivalence over the budgets past the divergence; empty, with a reason, where there are none."""
    if np.isinf(parted):
        return "", f"one path: margins of the same batches do not come to differ by {PARTED:.0%}"
    past = [b for b in budgets if not b < parted]
    if not past:
        return "", "no budget past the place where they part"
    decision = decide([coincide(ones, others, past, DELTA)])[0]
    return decision.verdict, decision.reason


def _columns(found: Estimate) -> dict[str, object]:
    return {
        "difference": found.point,
        "low": found.low,
        "high": found.high,
        "n": found.n,
        "method_of_interval": found.method,
    }

"""When the offline losses cease to be one run, and whether they have one curve after that.

At pi_ref all their gradients are parallel, and at a small beta they stay so for long: two losses then train the same
policy, step for step. `figures` and `make` call it.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bench.stats.compare import decide
from bench.stats.curves import Curve
from bench.stats.estimate import Estimate
from bench.stats.hump import DELTA
from bench.stats.matched import at_kl, coincide, difference_over
from bench.stats.two_settings import PARTED
from reports.analysis.strengths import family_of
from reports.draw.figure import Figure, Key, Panel, Series, furthest
from reports.draw.style import MUTED, method_color, method_label
from reports.draw.table import Row, Table, missing, named
from reports.read.load import Cell, RunData, shared
from reports.read.paths import Gaps, gaps_along, log_of
from reports.sections import words
from reports.sections.curves.matched import shown
from reports.sections.offline.family import keys_of
from reports.sections.trust.training import thinned


def parting(run: RunData) -> Figure | None:
    """How far each loss's margins of the same batches are from the first loss's: when two runs cease to be one."""
    family = list(family_of(run).values())
    panels = []
    for title, place in (("Smallest β", 0.0), ("Middle β", 0.5)):
        cells = [_at_place(run, own, place) for own in family]
        gaps = [(c, gaps_along(log_of(run, cells[0]), log_of(run, c))) for c in cells[1:]]
        series = [_gap_line(c, along) for c, along in gaps if len(along.gap)]
        if series:
            d = np.array([0.0, furthest(series)])
            limit = Series("parted", d, np.full(2, PARTED), MUTED, dash="dot", width=1.2)
            panels.append(Panel(title, words.MONITORED_D, "difference of margins, relative", (*series, limit)))
    if not panels:
        return None
    limit_key = Key(f"{PARTED:.0%}: counted as parted", MUTED, "dot")
    first = method_label(family[0][0].method)
    alt = f"Relative difference of the margins of the same batches from {first}, over KL."
    keys = (*keys_of(cells[0] for cells in family[1:]), limit_key)
    return Figure("parting", f"Where paths part from {first}", words.PARTING, alt, tuple(panels), keys)


def _at_place(run: RunData, cells: Sequence[Cell], place: float) -> Cell:
    """The first replicate at the beta that lies `place` of the way up the grid."""
    first = [c for c in cells if run.is_first(c)]
    return first[int(place * (len(first) - 1))]


def _gap_line(cell: Cell, gaps: Gaps) -> Series:
    d, gap = thinned(np.sqrt(gaps.kl)), thinned(gaps.gap)
    return Series(method_label(cell.method), d, gap, method_color(cell.method), width=1.4, method=cell.method)


def equivalence(run: RunData) -> Table:
    """Each other loss minus the first at each budget, at betas of equal rank, judged where their paths have parted."""
    budgets = [b for b in run.budgets if run.entropy is None or b <= run.entropy]
    losses = [_by_beta(run, own) for own in family_of(run).values()]
    records, body = [], list[Row]()
    for other in losses[1:]:
        for one, base in zip(other, losses[0], strict=False):
            row, lines = _beside(run, one, base, budgets)
            body += [row] if lines else []
            records += lines
    told = f"within {DELTA:g} where parted"
    head = ("nats", "paths part at", *(f"{b:g}" for b in budgets), told)
    return Table("equivalence", "Are they one curve?", words.EQUIVALENCE, pd.DataFrame(records), head, tuple(body))


def _by_beta(run: RunData, cells: Sequence[Cell]) -> list[list[Cell]]:
    return [run.replicates(c) for c in cells if run.is_first(c)]


def _beside(
    run: RunData, other: list[Cell], base: list[Cell], budgets: Sequence[float]
) -> tuple[Row, list[dict[str, object]]]:
    """A row of the table and its lines in the CSV, which are none where no budget has a value."""
    mine, theirs = shared([c for c in other if len(c.curve) > 1], [c for c in base if len(c.curve) > 1])
    if not mine:
        return (), []
    ones, others = ([c.curve for c in cells] for cells in (mine, theirs))
    found = [difference_over([at_kl(c, b) for c in ones], [at_kl(c, b) for c in others]) for b in budgets]
    gaps = gaps_along(log_of(run, theirs[0]), log_of(run, mine[0]))
    parted = gaps.parted if len(gaps.gap) else float("nan")
    verdict, why = _judged(ones, others, [b for b, e in zip(budgets, found, strict=True) if e.defined], parted)
    place = f"{parted:.1f}" if np.isfinite(parted) else missing(why if parted > 0 else "no margins were logged")
    told = verdict if verdict else missing(why)
    name = f"{named(mine[0], run)} − {named(theirs[0], run)}"  # noqa: RUF001
    return (name, place, *(shown(e) for e in found), told), [
        {"one": mine[0].name, "other": theirs[0].name, "parted_kl": parted, "budget_nats": b, **_columns(e)}
        | {"verdict": verdict, "why": why}
        for b, e in zip(budgets, found, strict=True)
        if e.defined
    ]


def _judged(ones: list[Curve], others: list[Curve], budgets: list[float], parted: float) -> tuple[str, str]:
    """The verdict of equivalence over the budgets past the parting; empty, and why, where there are none."""
    if np.isinf(parted):
        return "", f"one path: margins of the same batches do not come to differ by {PARTED:.0%}"
    past = [b for b in budgets if not b < parted]
    if not past:
        return "", "no budget past the place where they part"
    decision = decide([coincide(ones, others, past, DELTA)])[0]
    return decision.verdict, decision.reason


def _columns(found: Estimate) -> dict[str, object]:
    return {"difference": found.point, "low": found.low, "high": found.high, "n": found.n, "method": found.method}

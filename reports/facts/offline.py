"""Facts about direct alignment: humps and when they peak, one frontier, chosen log-probability, accuracy, overshoot.

Offline cells are those trained on stored pairs by a contrastive loss. What a loss is made of is in `facts_losses`.
"""

from itertools import combinations

import numpy as np

from bench.stats.association import correlation, correlation_over
from bench.stats.curves import peak_row
from bench.stats.estimate import Estimate, replicate_mean
from bench.stats.verdicts.evidence import Evidence, Inequality
from reports.analysis.analysis import Analysis
from reports.draw.labels import setting_label
from reports.facts.curves import coincidence, hump_fact
from reports.facts.fact import Fact, decided, unanswered
from reports.read.cell import Cell
from reports.read.pairs import learns_from_pairs, loss_of, sampler_of

EARLY = 0.5  # epochs; a peak before this counts as early in the first
PREDICTS = 0.5  # a correlation from which accuracy would predict gold


def offline_humps(analysis: Analysis) -> list[Fact]:
    """14: every loss humps against d; at small beta the peak comes about a quarter into an epoch.

    The proxy need not rise: these losses do not optimise it.
    """
    facts = [hump_fact(analysis, 14, cells, proxy_rises=False) for cells in _offline(analysis)]
    for cells in _offline(analysis):
        what = f"{setting_label(cells[0], analysis.run)}: the peak comes early in the first epoch"
        when = replicate_mean([epochs_at_peak(cell) for cell in cells])
        how = f"{len(cells)} replicates, row chosen on select; epochs, tested below {EARLY:g}"
        facts.append(_one(14, what, when, EARLY, how))
    return facts or [unanswered(14, "offline losses hump", "the run has no offline cell")]


def epochs_at_peak(cell: Cell) -> float:
    """Passes over the pairs at the row that is best on `select`; a pair counts two samples. NaN where not recorded."""
    row = peak_row(cell.curve.gold_select)
    if row is None:
        return float("nan")
    seen, pairs = (cell.rows[name].to_numpy(dtype=float, na_value=np.nan)[row] for name in ("samples_seen", "pairs_n"))
    return float(seen / (2 * pairs))


def one_frontier(analysis: Analysis) -> list[Fact]:
    """15: the losses, at their smallest betas, have one curve of gold over measured KL: an equivalence test.

    Tested past the KL at which the first replicates' paths diverge, where logs exist; before it the two are one run.
    """
    facts = []
    for one, other in combinations(_offline(analysis), 2):
        what = (
            f"{setting_label(one[0], analysis.run)} and {setting_label(other[0], analysis.run)} share one curve over KL"
        )
        gaps = analysis.values.gaps(one[0], other[0])
        facts.append(coincidence(analysis.run, 15, what, one, other, gaps.parted if len(gaps.gap) else 0.0))
    return facts or [unanswered(15, "all losses trace one frontier", "fewer than two offline losses")]


def chosen_falls(analysis: Analysis) -> list[Fact]:
    """16: at the end of training the chosen response is less likely than under pi_ref."""
    facts = []
    for cells in _offline(analysis):
        ends = [cell.rows.chosen_logratio.to_numpy(dtype=float, na_value=np.nan)[cell.last] for cell in cells]
        what = (
            f"{setting_label(cells[0], analysis.run)}: the chosen response's log-probability ends below the reference's"
        )
        facts.append(_one(16, what, replicate_mean(ends), 0.0, f"{len(cells)} replicates, nats, tested below 0"))
    return facts or [unanswered(16, "the chosen response loses probability", "the run has no offline cell")]


def accuracy_predicts_nothing(analysis: Analysis) -> list[Fact]:
    """17: implicit-reward accuracy over rows does not go with gold."""
    facts = []
    for cells in _offline(analysis):
        past = [cell.rows[cell.rows.kl > 0] for cell in cells]
        columns = [(r.pair_accuracy.to_numpy(dtype=float, na_value=np.nan), r.gold.to_numpy(dtype=float)) for r in past]
        found = correlation_over([correlation(*pair) for pair in columns])
        what = f"{setting_label(cells[0], analysis.run)}: pair accuracy does not go with gold"
        how = f"correlation over a cell's rows past pi_ref, {len(cells)} replicates; tested below {PREDICTS:g}"
        facts.append(_one(17, what, found, PREDICTS, how))
    return facts or [unanswered(17, "accuracy does not predict quality", "the run has no offline cell")]


def ipo_overshoots_least(analysis: Analysis) -> list[Fact]:
    """18: after as many steps, at the smallest betas, IPO (the squared loss) has moved less than the other losses."""
    settings = _offline(analysis)
    ipo = next((s for s in settings if loss_of(s[0]) == "squared"), None)
    if ipo is None or len(settings) < 2:
        return [unanswered(18, "IPO overshoots KL least", "no IPO beside another offline loss")]
    facts = []
    for other in (s for s in settings if s is not ipo):
        theirs = {cell.replicate: cell for cell in other}
        ratios = [log_kl_ratio(cell, theirs[cell.replicate]) for cell in ipo if cell.replicate in theirs]
        what = f"{setting_label(ipo[0], analysis.run)} moves less than {setting_label(other[0], analysis.run)}"
        how = f"log ratio of KL at the last step that both reached, {len(ratios)} replicates; tested below 0"
        facts.append(_one(18, what, replicate_mean(ratios), 0.0, how))
    return facts


def log_kl_ratio(one: Cell, other: Cell) -> float:
    """Log of one cell's KL over another's at the last step that both measured up to, linear in steps between rows."""
    step = float(min(cell.rows.step.max() for cell in (one, other)))
    kls = [_kl_after(cell, step) for cell in (one, other)]
    return float(np.log(kls[0] / kls[1]))


def _kl_after(cell: Cell, step: float) -> float:
    rows = cell.rows.sort_values("step")
    return float(np.interp(step, rows.step.to_numpy(dtype=float), rows.kl.to_numpy(dtype=float)))


def _offline(analysis: Analysis) -> list[list[Cell]]:
    return [cells for cells in analysis.smallest_betas if _contrastive(cells[0])]


def _contrastive(cell: Cell) -> bool:
    return sampler_of(cell) == "offline" and learns_from_pairs(cell)


def _one(number: int, what: str, found: Estimate, bound: float, how: str) -> Fact:
    if not found.defined:
        return unanswered(number, what, f"{how}; {found.reason}")
    how = how if found.has_interval else f"{how}; {found.reason}"
    return decided(number, what, Evidence((Inequality("number", found, bound, above=False),)), {"": found}, how)

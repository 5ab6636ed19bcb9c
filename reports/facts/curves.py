"""Facts about gold and proxy over KL: the forms, the turn, the penalty, and RL beside best-of-n.

A setting is a method, a proxy and a coefficient with its replicates; each method and proxy is represented by its
smallest coefficient. Ranges are those budgets that all curves in question reach.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from bench.stats.curves import WINDOW, Curve
from bench.stats.estimate import Estimate
from bench.stats.fits import BEST_OF_N, FORMS, RL, Fit, Form, ahead, fit, solve
from bench.stats.matched import at_proxy, difference_over, passed
from bench.stats.power import detectable
from bench.stats.verdicts.evidence import Evidence, Inequality
from bench.stats.verdicts.hump import DELTA
from bench.stats.verdicts.two_settings import coincide
from reports.analysis.analysis import Analysis
from reports.draw.labels import setting_label
from reports.facts.fact import Fact, decided, exact, unanswered, with_interval
from reports.read.cell import Cell, shared
from reports.read.run import RunData

FIT_N, PREDICT_N = 64, 1024
PROXIES = (0.5, 1.0, 1.5, 2.0)  # gold standard deviations


def paired(one: Sequence[Cell], other: Sequence[Cell]) -> tuple[list[Curve], list[Curve]]:
    """Curves of the replicates that both settings have, in order."""
    mine, theirs = ({c.replicate: c.curve for c in cells} for cells in (one, other))
    shared = sorted(mine.keys() & theirs.keys())
    return [mine[r] for r in shared], [theirs[r] for r in shared]


def reached(run: RunData, *settings: Sequence[Curve], reach: float = WINDOW) -> list[float]:
    """The budgets at which every curve has a value."""
    return passed([curve for curves in settings for curve in curves], run.budgets, reach)


def largest(evidence: Evidence) -> dict[str, Estimate]:
    """The inequality with the largest point, to show."""
    if not evidence.inequalities:
        return {}
    most = max(evidence.inequalities, key=lambda a: abs(a.estimate.point))
    return {most.name: most.estimate}


def within(found: Mapping[str, Estimate]) -> Evidence:
    """Every number lies within DELTA of 0."""
    pairs = ((Inequality(name, e, DELTA, above=False), Inequality(name, e, -DELTA)) for name, e in found.items())
    return Evidence(tuple(inequality for pair in pairs for inequality in pair))


def forms(analysis: Analysis) -> list[Fact]:
    """4 and 9: the two forms recover made-up parameters; their fits on this run; small n predicts large n."""
    run, draws, facts = analysis.run, analysis.resamples, []
    for form in FORMS.values():
        d = np.linspace(0.3, 5.0, 12)
        error = float(np.abs(np.subtract(solve(form, d, form.value(0.8, 0.15, d)), (0.8, 0.15))).max())
        facts.append(exact(4, f"the {form.name} form recovers (a, b)", error, 1e-9, "on twelve made-up rows"))
    for cell in (cells[0] for cells in analysis.smallest_betas if cells[0].on_policy):
        if draws is None or cell.curve.prompts < 2:
            continue
        form = BEST_OF_N if cell.best_of_n else RL
        found = fit(cell.curve, form, draws)
        facts.append(_described(setting_label(cell, run), form, found))
        if cell.best_of_n:
            facts += _predicted(analysis, cell)
    return facts


def _described(name: str, form: Form, found: Fit) -> Fact:
    if found.reason:
        return unanswered(4, f"{form.name} form of {name}", found.reason)
    numbers = f"a {with_interval(found.a)}, b {with_interval(found.b)}"
    numbers += (
        f", d* {with_interval(found.peak_d)}, R* {with_interval(found.peak_gold)}" if found.peak_d.defined else ""
    )
    how = f"first replicate, prompts resampled; rmse {found.rmse:.3f} over {found.rows} rows"
    reason = found.peak_d.reason
    return Fact(4, f"{form.name} form of {name}", "described", numbers, f"{how}; {reason}" if reason else how)


def _predicted(analysis: Analysis, cell: Cell) -> list[Fact]:
    what = f"{setting_label(cell, analysis.run)}: a fit of n <= {FIT_N} predicts n = {PREDICT_N}"
    draws, n = analysis.resamples, cell.rows.n.to_numpy(dtype=float)
    if draws is None or PREDICT_N not in n:
        return [unanswered(9, what, f"no row at n = {PREDICT_N}")]
    errors = {row.row_id: row.error for row in ahead(cell.curve, BEST_OF_N, n <= FIT_N, draws)}
    error = errors.get(cell.curve.row_ids[int(np.flatnonzero(n == PREDICT_N)[0])])
    if error is None:
        return [unanswered(9, what, f"too few rows up to n = {FIT_N}")]
    how = f"measured minus predicted, tested within {DELTA:g}; first replicate, prompts resampled"
    return [decided(9, what, within({"error": error}), {"": error}, how)]


def proxy_rises_gold_turns(analysis: Analysis) -> list[Fact]:
    """5: the hump, of what optimises a proxy by sampling."""
    return [hump_fact(analysis, 5, cells) for cells in analysis.smallest_betas if cells[0].on_policy]


def hump_fact(analysis: Analysis, number: int, cells: Sequence[Cell], proxy_rises: bool = True) -> Fact:
    """One setting's hump, by itself."""
    run = analysis.run
    what, declared = f"{setting_label(cells[0], run)}: gold rises, then falls", run.declared_kl(cells[0])
    what += ", the proxy rising" if proxy_rises else ""
    if declared is None:
        return unanswered(number, what, "no budget lies within pi_ref's entropy")
    found = analysis.values.hump(cells, declared, proxy_rises=proxy_rises)
    how = f"{len(cells)} replicates, read at {declared:.3g} nats, tested above {DELTA:g}"
    return decided(number, what, found.evidence, {"rise": found.rise, "fall": found.fall}, how)


def penalty_is_early_stopping(analysis: Analysis) -> list[Fact]:
    """7: gold over KL is one curve over the coefficients of the KL penalty: an equivalence test."""
    run, facts = analysis.run, []
    for base in analysis.smallest_betas:
        cell = base[0]
        same = [s for s in run.settings if (s[0].method, s[0].proxy_name) == (cell.method, cell.proxy_name)]
        for other in (s for s in same if cell.on_policy and s[0].setting != cell.setting and len(s[0].curve) > 1):
            what = f"{setting_label(other[0], run)} follows {setting_label(cell, run)} over KL"
            facts.append(coincidence(run, 7, what, other, base))
    return facts or [unanswered(7, "the KL penalty acts like early stopping", "no method has two coefficients")]


def coincidence(
    run: RunData, number: int, what: str, one: Sequence[Cell], other: Sequence[Cell], parted: float = 0.0
) -> Fact:
    """Tests that two settings' gold is the same within DELTA at each budget that both reach, from `parted` nats on."""
    mine, theirs = paired(one, other)
    budgets = reached(run, mine, theirs) if mine else []
    if not budgets:
        return unanswered(number, what, "no budget that both reach in one replicate")
    budgets = [b for b in budgets if b >= parted]
    if not budgets:
        where = f"part at {parted:.1f} nats, past all of them" if np.isfinite(parted) else "do not part"
        return unanswered(number, what, f"at the budgets that both reach the two are one run: their paths {where}")
    evidence = coincide(mine, theirs, budgets, DELTA)
    numbers = largest(evidence)
    how = f"largest of {len(budgets)} differences at {budgets[0]:g} to {budgets[-1]:g} nats, tested within {DELTA:g}"
    for worst in numbers.values():
        seen = detectable(worst)
        how += f"; a difference of {seen:.2f} there is seen in 80% of runs" if np.isfinite(seen) else ""
    return decided(number, what, evidence, numbers, f"{how}; {_condition(len(mine))}", reasons=False)


def rl_spends_more_kl(analysis: Analysis) -> list[Fact]:
    """8: at equal KL best-of-n has more gold than RL; at equal proxy they nearly coincide."""
    settings = analysis.smallest_betas
    facts = []
    for bon in (s for s in settings if s[0].best_of_n):
        for rl in (s for s in settings if s[0].on_policy and not s[0].best_of_n):
            if bon[0].proxy_name == rl[0].proxy_name:
                facts += _beside(analysis, bon, rl)
    return facts or [unanswered(8, "RL needs more KL than best-of-n", "no best-of-n and RL against one proxy")]


def _beside(analysis: Analysis, bon: Sequence[Cell], rl: Sequence[Cell]) -> list[Fact]:
    run, (mine, theirs) = analysis.run, paired(bon, rl)
    name = f"{setting_label(rl[0], run)} beside {setting_label(bon[0], run)}"
    budgets = reached(run, mine, theirs) if mine else []
    if not budgets:
        return [unanswered(8, name, "no KL that both reach in one replicate")]
    condition = _condition(len(mine))
    sides = shared(bon, rl)
    kls = {b: analysis.values.difference(*sides, b) for b in budgets}
    more = Evidence(tuple(Inequality(f"lead at {b:g} nats", found, 0.0) for b, found in kls.items()))
    how = f"gold of best-of-n minus RL at each of {len(kls)} budgets, tested above 0; shown at the last; {condition}"
    facts = [decided(8, f"{name}: more gold at equal KL", more, {f"at {budgets[-1]:g} nats": kls[budgets[-1]]}, how)]
    at = {p: ([at_proxy(c, p) for c in mine], [at_proxy(c, p) for c in theirs]) for p in PROXIES}
    apart = {p: difference_over(*both) for p, both in at.items() if not any(m.reason for side in both for m in side)}
    if not apart:
        return [*facts, unanswered(8, f"{name}: the same gold at equal proxy", "no proxy score that both reach")]
    evidence = within({f"at proxy {p:g}": found for p, found in apart.items()})
    how = f"largest of {len(apart)} differences, tested within {DELTA:g}; {condition}"
    return [
        *facts,
        decided(8, f"{name}: the same gold at equal proxy", evidence, largest(evidence), how, reasons=False),
    ]


def _condition(replicates: int) -> str:
    return f"t over {replicates} replicates" if replicates > 2 else "first replicate, by prompt"

"""Facts about online and offline pairs: replays, the lead of fresh pairs, what shuffling loses, classifiers.

A method is represented by its smallest beta; offline and online are compared where they share a loss.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bench.config.claims import NEAREST
from bench.stats.estimate import ENOUGH, Estimate
from bench.stats.matched import Matched, at_kl, difference_over
from bench.stats.verdicts.evidence import Evidence, Inequality
from bench.stats.verdicts.two_settings import REACH, better_classifier, last_shared
from reports.analysis.analysis import Analysis
from reports.draw.labels import setting_label
from reports.facts.curves import paired, reached
from reports.facts.fact import Fact, decided, exact, unanswered
from reports.read.cell import Cell, shared
from reports.read.pairs import by_accuracy, learns_from_pairs, loss_of, replays_of, sampler_of, source_of
from reports.read.run import RunData

_LOGGED = ("loss", "kl", "chosen_logratio", "rejected_logratio", "pair_accuracy")
_HELD_OUT = ("chosen_logratio", "rejected_logratio", "pair_accuracy")


def replay_is_the_same_run(analysis: Analysis) -> list[Fact]:
    """23: a replay in order has its source's log, line by line, and the same numbers on held-out pairs at each step.

    Tested on the steps that both have, which must be most of the source's: a replay may end before its source does.
    """
    facts = []
    for cell, source in replays_of(analysis.run):
        if sampler_of(cell) != "replay":
            continue
        what = f"{cell.name} repeats {source.name}"
        log, its = analysis.run.log(cell), analysis.run.log(source)
        if log.empty or its.empty or log.step.isin(its.step).sum() <= len(its) / 2:
            facts.append(unanswered(23, what, "its log covers no more than half of its source's"))
            continue
        error = max(_apart(log, its, _LOGGED), _apart(cell.rows, source.rows, _HELD_OUT))
        how = f"{', '.join(_LOGGED)} at each step, and {', '.join(_HELD_OUT)} of held-out pairs at each common row; "
        facts.append(exact(23, what, error, 0.0, how + f"{len(log)} steps of its source's {len(its)}"))
    return facts or [unanswered(23, "online pairs replayed in order are the same run", "no replay in order")]


def _apart(one: pd.DataFrame, other: pd.DataFrame, columns: Sequence[str]) -> float:
    """The largest difference of two tables at their common steps; infinite where one lacks what the other has."""
    held = [c for c in columns if c in one or c in other]
    if not set(held) <= set(one.columns) & set(other.columns):
        return float("inf")
    steps = np.intersect1d(one.step, other.step)
    a, b = (t.set_index("step").loc[steps, held].to_numpy(dtype=float, na_value=np.nan) for t in (one, other))
    if (np.isnan(a) != np.isnan(b)).any():
        return float("inf")
    return float(np.nanmax(np.abs(a - b), initial=0.0))


def online_leads(analysis: Analysis) -> list[Fact]:
    """24: at equal KL gold is higher with fresh pairs than with stored ones."""
    run, facts = analysis.run, []
    for offline, online in _both(analysis, "online"):
        what = f"{setting_label(online[0], run)} has more gold than {setting_label(offline[0], run)} at equal KL"
        mine, theirs = paired(online, offline)
        budgets = [b for b in reached(run, mine, theirs, reach=REACH) if b >= NEAREST] if mine else []
        if not budgets:
            facts.append(unanswered(24, what, "no budget from one nat on that both reach in one replicate"))
            continue
        found = {b: analysis.values.difference(*shared(online, offline), b, REACH) for b in budgets}
        evidence = Evidence(tuple(Inequality(f"lead at {b:g} nats", e, 0.0) for b, e in found.items()))
        how = f"tested above 0 at each of {len(budgets)} budgets from {budgets[0]:g} nats; shown at the last; "
        numbers = {f"at {budgets[-1]:g} nats": found[budgets[-1]]}
        facts.append(decided(24, what, evidence, numbers, how + _condition(len(mine))))
    return facts or [unanswered(24, "online leads offline", "no loss has stored and fresh pairs")]


def shuffling_loses_the_gain(analysis: Analysis) -> list[Fact]:
    """25: offline on shuffled online data loses more than half of what online pairs gain over stored ones."""
    shuffled = [s for s in analysis.pair_methods if sampler_of(s[0]) == "replay_shuffled"]
    both = _both(analysis, "online")
    facts = [
        _lost(analysis.run, *pair, s) for s in shuffled for pair in both if _replays(analysis.run, s[0], pair[1][0])
    ]
    return facts or [unanswered(25, "shuffled online pairs lose the gain", "no shuffled replay beside both")]


def _lost(run: RunData, offline: list[Cell], online: list[Cell], shuffled: list[Cell]) -> Fact:
    """Tests that there is a gain, and that the shuffled replay lies below the middle of online and offline."""
    what = f"{setting_label(shuffled[0], run)} loses most of the lead of {setting_label(online[0], run)}"
    replicates = set.intersection(*({c.replicate for c in cells} for cells in (offline, online, shuffled)))
    curves = [[c.curve for c in cells if c.replicate in replicates] for cells in (offline, online, shuffled)]
    budgets = [b for b in reached(run, *curves, reach=REACH) if b >= NEAREST] if replicates else []
    if not budgets:
        return unanswered(25, what, "no budget from one nat on that all three reach in one replicate")
    stored, fresh, again = ([_mean([at_kl(c, b, REACH) for b in budgets]) for c in group] for group in curves)
    gain = difference_over(fresh, stored)
    below = difference_over([_mean(pair) for pair in zip(stored, fresh, strict=True)], again)
    evidence = Evidence((Inequality("gain", gain, 0.0), Inequality("middle of both less shuffled", below, 0.0)))
    how = f"mean over {len(budgets)} budgets from {budgets[0]:g} to {budgets[-1]:g} nats, both tested above 0; "
    return decided(25, what, evidence, {"gain": gain, "middle less shuffled": below}, how + _condition(len(replicates)))


def _mean(values: Sequence[Matched]) -> Matched:
    """The mean of values on the same prompts."""
    assert len({value.prompt_ids for value in values}) == 1, "cells of one run share their report prompts"
    point, effect_P = (np.mean([getattr(value, name) for value in values], axis=0) for name in ("point", "effect_P"))
    return Matched(float(point), effect_P, values[0].prompt_ids)


def offline_classifies_better(analysis: Analysis) -> list[Fact]:
    """26: the offline policy orders more held-out pairs rightly and has less gold, at the last KL that both reach."""
    run, facts = analysis.run, []
    for offline, online in _both(analysis, "online"):
        what = (
            f"{setting_label(offline[0], run)} classifies better and writes worse than {setting_label(online[0], run)}"
        )
        both = shared(offline, online)
        curves = [[c.curve for c in cells] for cells in both]
        kl = last_shared([c for group in curves for c in group], run.budgets) if both[0] else None
        if kl is None:
            facts.append(unanswered(26, what, "no budget that both reach in one replicate"))
            continue
        accuracy = [by_accuracy(c) for c in both[0]], [by_accuracy(c) for c in both[1]]
        evidence = better_classifier(curves[0], curves[1], kl, accuracy)
        numbers: dict[str, Estimate] = {a.name: a.estimate for a in evidence.inequalities if not a.cell}
        facts.append(
            decided(26, what, evidence, numbers, f"offline less online at {kl:g} nats; {_condition(len(both[0]))}")
        )
    return facts or [unanswered(26, "offline classifies better, writes worse", "no loss has stored and fresh pairs")]


def _both(analysis: Analysis, sampler: str) -> list[tuple[list[Cell], list[Cell]]]:
    """(offline, `sampler`) settings of one loss: the first offline method of each loss, every other one."""
    settings = [s for s in analysis.pair_methods if learns_from_pairs(s[0])]
    offline = {loss_of(s[0]): s for s in reversed(settings) if sampler_of(s[0]) == "offline"}
    others = [s for s in settings if sampler_of(s[0]) == sampler and loss_of(s[0]) in offline]
    return [(offline[loss_of(s[0])], s) for s in others]


def _replays(run: RunData, cell: Cell, other: Cell) -> bool:
    source = source_of(run, cell)
    return source is not None and source.method == other.method


def _condition(replicates: int) -> str:
    return f"t over {replicates} replicates" if replicates >= ENOUGH else "first replicate, by prompt"

"""The published facts of over-optimization, tested on a run: `python -m reports.facts RUN` prints a table.

A line a fact: observed, not observed or undecided, its number with its error, and how it was found. Each fact that a
run can answer is a function of one of the modules below, and docs/statistics.md lists them. Facts are looked at one by
one: nothing here is corrected for their number, and only a suite's claims were declared before it ran.
"""

from collections.abc import Callable

from reports.analysis.analysis import Analysis
from reports.facts import curves, exact, losses, offline, online, peaks
from reports.facts.fact import Fact

FACTS: tuple[Callable[[Analysis], list[Fact]], ...] = (
    exact.kl_of_best_of_n,
    exact.unbiased_best_of_n,
    exact.scaling_a_proxy,
    curves.forms,
    curves.proxy_rises_gold_turns,
    peaks.peaks,
    peaks.gammas,
    curves.penalty_is_early_stopping,
    curves.rl_spends_more_kl,
    losses.losses_at_zero,
    losses.taylor_remainder,
    offline.offline_humps,
    offline.one_frontier,
    losses.best_betas_move,
    offline.chosen_falls,
    offline.accuracy_predicts_nothing,
    offline.ipo_overshoots_least,
    online.replay_is_the_same_run,
    online.online_leads,
    online.shuffling_loses_the_gain,
    online.offline_classifies_better,
)


def facts(analysis: Analysis) -> list[Fact]:
    """Every fact, in the order of its number."""
    return [fact for find in FACTS for fact in find(analysis)]

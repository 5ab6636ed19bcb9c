"""What a run says about the published facts of over-optimization: `python -m reports.facts RUN` prints a table.

A line a fact: observed, not observed or undecided, its number with its error, and how it was found. Each fact that a
run can answer is a function of one of the modules below, and docs/statistics.md lists them. Facts are looked at one by
one: nothing here is corrected for their number, and only a suite's claims were declared before it ran.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from reports import facts_curves, facts_exact, facts_losses, facts_offline, facts_online, facts_peaks
from reports.fact import Fact, table
from reports.load import RunData, load

FACTS: tuple[Callable[[RunData], list[Fact]], ...] = (
    facts_exact.kl_of_best_of_n,
    facts_exact.unbiased_best_of_n,
    facts_exact.scaling_a_proxy,
    facts_curves.forms,
    facts_curves.proxy_rises_gold_turns,
    facts_peaks.peaks,
    facts_peaks.gammas,
    facts_curves.penalty_is_early_stopping,
    facts_curves.rl_spends_more_kl,
    facts_losses.losses_at_zero,
    facts_losses.taylor_remainder,
    facts_offline.offline_humps,
    facts_offline.one_frontier,
    facts_losses.best_betas_move,
    facts_offline.chosen_falls,
    facts_offline.accuracy_predicts_nothing,
    facts_offline.ipo_overshoots_least,
    facts_online.replay_is_the_same_run,
    facts_online.online_leads,
    facts_online.shuffling_loses_the_gain,
    facts_online.offline_classifies_better,
)


def facts(run: RunData) -> list[Fact]:
    """Every fact, in the order of its number."""
    return [fact for ask in FACTS for fact in ask(run)]


if __name__ == "__main__":
    print(table(facts(load(Path(sys.argv[1])))))

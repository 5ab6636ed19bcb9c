"""What the imitation loss logs, against plain Python."""

import math

import pytest

from bench.checks.estimators import world as tab
from bench.checks.estimators.exact import pair_rows
from bench.losses.likelihood import Likelihood


def test_the_loss_and_the_log_ratio_it_logs_are_means_over_pairs():
    reference, policy, prompt, chosen = tab.TabularPolicy(0), tab.TabularPolicy(1), (2,), [(1,), (2, 1)]
    loss, info = Likelihood("chosen", tab.T)(policy, pair_rows(reference, prompt, chosen, [(3, 1), (0, 1)]))
    logps = [[math.log(tab.probability(p, prompt, y)) for y in chosen] for p in (policy, reference)]
    assert loss.item() == pytest.approx(-sum(logps[0]) / 2 / tab.T, abs=1e-12)
    assert info["chosen_logratio"] == pytest.approx((sum(logps[0]) - sum(logps[1])) / 2, abs=1e-12)
    assert info["tokens"] == 3

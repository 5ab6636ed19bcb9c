"""The hump verdict on many simulated claims: rarely on curves without a hump, often on curves with one."""

import numpy as np
import pytest

from bench.checks.statistics.hump_power import RULES, SCENES, fires, simulated
from bench.stats.verdicts.evidence import ALPHA

RUNS = 200
LIMIT = ALPHA + 3 * np.sqrt(ALPHA * (1 - ALPHA) / RUNS)  # three binomial errors, since four nulls are tested
NULLS = [scene for scene in SCENES if not scene.hump]


@pytest.mark.parametrize("scene", NULLS, ids=lambda s: s.name)
def test_curves_without_a_hump_fire_at_most_at_the_level(scene):
    assert fires(simulated(scene, 3, RUNS), "in use", 1) <= LIMIT


def test_more_replicates_see_a_hump_more_often_and_a_rule_of_every_replicate_does_not():
    """Rise 1 +- .25, fall .5 +- .3: one in eleven truly falls by less than .1, so `every` gives up at eight."""
    hump = next(scene for scene in SCENES if scene.hump)
    found = {k: simulated(hump, k, 80) for k in (3, 5, 8)}
    used = {k: fires(found[k], "in use", 1) for k in found}
    assert used[3] < used[5] < used[8]
    assert used[8] > 0.5
    assert fires(found[8], "every replicate too", 1) < 0.5 * used[8]


def test_a_correction_for_several_claims_and_further_conditions_only_take_verdicts_away():
    found = simulated(SCENES[4], 3, 60)
    for rule in RULES:
        assert fires(found, rule, 7) <= fires(found, rule, 1)
        assert fires(found, rule, 1) <= fires(found, "t means alone", 1)

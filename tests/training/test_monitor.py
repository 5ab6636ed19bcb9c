import math

import numpy as np
import pytest
import torch

from bench.checks.estimators import world as tab
from bench.config.evaluation import EvaluationConfig
from bench.errors import DivergedError
from bench.training.monitor import Monitor, kl_grid

BUDGETS = (0.25, 0.5, 1, 2, 4, 8, 16, 32)


def monitor(budgets=(1.0, 2.0), seed=0, n=64, **changes):
    settings = EvaluationConfig(**changes)
    return Monitor(tab.prompts(n), tab.TabularPolicy(0), settings, budgets, tab.T, tab.EOS, tab.PAD, seed)


def after(kls, every=2, **changes):
    """A monitor that has seen these KLs, one each `every` steps, and what `passes` returned after each."""
    watch, results = monitor(**changes), []
    for check, kl in enumerate(kls, start=1):
        watch.note(every * check, kl)
        results.append(watch.passes())
    return watch, results


@pytest.mark.parametrize("rows", [1, 2, 3, 4])
def test_the_grid_straddles_every_budget_within_a_factor_of_one_and_a_half(rows):
    grid = kl_grid(BUDGETS, rows)
    ratios = np.array(grid[1:]) / np.array(grid[:-1])
    np.testing.assert_allclose(ratios, 2 ** (1 / rows))
    for budget in BUDGETS:
        below, above = [g for g in grid if g < budget], [g for g in grid if g > budget]
        assert budget / below[-1] < 1.5
        assert above[0] / budget < 1.5
    assert grid[-2] <= BUDGETS[-1] < grid[-1]


def test_the_default_grid_of_one_budget_by_hand():
    np.testing.assert_allclose(kl_grid((1.0,), 2), [2**-0.25, 2**0.25])


def test_a_single_noisy_look_passes_nothing():
    # grid of budgets 1, 2: .84 1.19 1.68 2.38
    _, results = after([0.1, 0.1, 9.0, 0.1, 0.1])
    assert results == [False] * 5


def test_two_of_three_looks_pass_and_each_point_passes_once():
    watch, results = after([0.1, 0.9, 0.9, 0.9, 0.1, 0.1, 0.9, 0.9])
    assert results == [False, False, True, False, False, False, False, False]
    assert watch.passed == 1


def test_a_jump_over_several_points_passes_them_together():
    watch, results = after([0.1, 3.0, 3.0])
    assert results == [False, False, True]
    assert watch.last_passed


def test_fewer_than_three_looks_pass_nothing():
    assert after([9.0, 9.0])[1] == [False, False]
    assert monitor().running == 0.0


def test_settled_needs_half_of_the_plan_and_a_flat_last_quarter():
    n = 80  # planned steps, a look every two: judged from 20 looks on, over the last 10
    assert not after([1.0] * 19)[0].settled(n)
    assert after([1.0] * 20)[0].settled(n)
    assert not after([1.0] * 20)[0].settled(4 * n)
    # Only the last quarter of the plan counts: log KL moves by `rate` a look, over 10 looks.
    for rate, settled in ((0.004, True), (0.006, False), (-0.006, False)):
        moving = [5.0] * 15 + [math.exp(rate * i) for i in range(10)]
        assert after(moving)[0].settled(n) is settled


def test_a_look_is_an_unbiased_kl_and_a_function_of_seed_and_step():
    policy, reference = tab.TabularPolicy(1), tab.TabularPolicy(0)
    want = np.mean([tab.exact_kl(tab.distribution(policy, p), tab.distribution(reference, p)) for p in tab.PROMPTS])
    kls_by_seed = [monitor(seed=seed, n=500).check_kl(policy, 10) for seed in range(4)]
    assert len(set(kls_by_seed)) == 4
    assert kls_by_seed[0] == monitor(seed=0, n=500).check_kl(policy, 10)
    assert kls_by_seed[0] != monitor(seed=0, n=500).check_kl(policy, 12)
    # Per-sample sd of the Rao-Blackwellised KL is below 2 nats here; 4 x 1000 samples; four standard errors.
    assert np.mean(kls_by_seed) == pytest.approx(want, abs=4 * 2 / math.sqrt(4000))


def test_pi_ref_is_at_zero():
    assert monitor().check_kl(tab.TabularPolicy(0), 0) == 0.0


def test_a_look_takes_nothing_from_the_global_generator():
    before = torch.get_rng_state()
    monitor().check_kl(tab.TabularPolicy(1), 1)
    assert torch.equal(torch.get_rng_state(), before)


def test_too_far_or_not_a_number_is_divergence():
    with pytest.raises(DivergedError, match=r"beyond 0\.02"):
        monitor(budgets=(0.01,), diverged_factor=2.0).check_kl(tab.TabularPolicy(1), 4)
    broken = tab.TabularPolicy(1)
    with torch.no_grad():
        broken.logits.fill_(float("nan"))
    with pytest.raises(DivergedError, match="nan"):
        monitor().check_kl(broken, 4)


def test_state_round_trips():
    watch, _ = after([0.1, 0.9, 0.9])
    again = monitor()
    again.load(watch.state())
    assert (again.kls, again.passed, again.running) == (watch.kls, watch.passed, watch.running)
    again.note(8, 5.0)
    assert len(watch.kls) == len(watch.steps) == 3


def due(watch, last):
    """Steps after `last` until the next look is due."""
    return next(k for k in range(1, 50) if watch.is_due(last + k))


def test_the_first_looks_come_at_the_closest_spacing():
    assert [step for step in range(1, 6) if monitor().is_due(step)] == [2, 4]
    assert due(after([0.5])[0], 2) == 2


def test_a_look_is_due_when_d_may_be_a_third_of_the_way_to_the_next_row():
    # Grid of budgets 1, 2: .84 first, d = .917. Running medians .16 .16 .16 .25: d moves from .4 to .5 in the last two
    # steps, .05 a step. A third of the way left is .139: 2.8 steps, so 2.
    assert due(after([0.16, 0.16, 0.25, 0.25])[0], 8) == 2
    # A fifth slower, from .4 to .48; .437 / 3 / .04 = 3.6 steps.
    assert due(after([0.16, 0.16, 0.2304, 0.2304])[0], 8) == 3
    # Standing still: no more rarely than twice the closest spacing.
    assert due(after([0.16] * 3)[0], 6) == 4
    assert due(after([0.16] * 3, every=3, monitor_every=3)[0], 9) == 6
    # A row may be due now: as often as can be.
    assert due(after([0.6, 0.7, 0.83])[0], 6) == 2


def test_the_pace_is_what_would_have_been_right_and_comes_back():
    # d = .1 .2 .3 and then 1.1, at steps 2, 4, .. At step 8 it has gone 1.1 in eight steps, where .8 is allowed, and .8
    # in two, where .4 is: 1/2. At 10: 1 since step 2, over 6 + 2 * 1/2 steps at full pace: .7, but back no faster than
    # by 1.1^2, to .605. At 12: .9 since step 4, over 4 + 1 + 1.21 steps at full pace: .69, and .732 is 1.1^2 further.
    kls = [d**2 for d in (0.1, 0.2, 0.3, 1.1, 1.1, 1.1)]
    paces = [after(kls[: i + 1])[0].pace for i in range(len(kls))]
    assert paces == pytest.approx([1, 1, 1, 0.5, 0.605, 0.69])
    assert after([*kls, *[1.21] * 6])[0].pace == 1.0
    assert after(kls, every=20)[0].pace == 1.0
    assert monitor().pace == 1.0


def test_two_steps_may_be_twice_as_fast():
    # From .5 on d stands still, but for a jump over the last two steps: .39 is less than the .4 allowed, .5 is more.
    standing = [0.25] * 8
    assert after([*standing, 0.89**2])[0].pace == 1.0
    assert after([*standing, 1.0])[0].pace == pytest.approx(0.4 / 0.5)


def test_a_look_below_zero_or_at_the_start_slows_nothing():
    watch = monitor()
    for step, kl in enumerate([1e-7, -1e-3, 1e-4, -1e-3]):
        watch.note(step, kl)
    assert watch.pace == 1.0


@pytest.mark.parametrize("between_looks", [1, 2, 4])
@pytest.mark.parametrize("growth", [1.1, 1.3])
def test_a_policy_that_runs_ever_faster_is_held(between_looks, growth):
    """Each step at full pace is `growth` times as long as the last, for twenty steps. The governor leaves .1 a step."""
    watch, d, moves = monitor(budgets=(1.0, 64.0)), 0.0, []
    for step in range(1, 81):
        moves.append(watch.pace * 0.05 * growth ** min(step, 20))
        d += moves[-1]
        if step % between_looks == 0:
            watch.note(step, d**2)
    assert max(moves) <= 0.2 * growth ** (between_looks + 2)
    assert np.mean(moves[-40:]) == pytest.approx(0.1, rel=0.25)


def test_a_grid_point_is_passed_where_the_running_kl_equals_it():
    watch = monitor()
    watch, results = after([watch.grid[0]] * 3)
    assert results == [False, False, True]
    assert watch.passed == 1

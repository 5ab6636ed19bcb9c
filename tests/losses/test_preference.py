import math

import pytest
import torch
import toy_lm

from bench.checks.estimators import world as tab
from bench.config.registry import BUILT_IN_LOSSES
from bench.core.seeds import stream
from bench.core.types import Pairs, stack
from bench.lm.codec import encode
from bench.lm.logprobs import batched_sequence_logps
from bench.losses.margin import built_in
from bench.losses.preference import Preference, logratios

# f(0), f'(0), f''(0) and f(1), from the formulas of the papers
KNOWN = {
    "logistic": (math.log(2), -1 / 2, 1 / 4, math.log(1 + math.exp(-1))),  # log(1 + e^-x)
    "squared": (1.0, -2.0, 2.0, 0.0),  # (x - 1)^2
    "hinge": (1.0, -1.0, 0.0, 0.0),  # max(0, 1 - x)
    "exponential": (1.0, -1.0, 1.0, math.exp(-1)),  # e^-x
    "truncated_quadratic": (1.0, -2.0, 2.0, 0.0),  # max(0, 1 - x)^2
    "savage": (1 / 4, -1 / 4, 1 / 8, 1 / (1 + math.e) ** 2),  # 1 / (1 + e^x)^2
}


def derivatives(f, at):
    x = torch.tensor([at], dtype=torch.float64, requires_grad=True)
    (first,) = torch.autograd.grad(f(x).sum(), x, create_graph=True)
    second = torch.autograd.grad(first.sum(), x)[0].item() if first.requires_grad else 0.0
    return f(x).item(), first.item(), second


@pytest.mark.parametrize("name", BUILT_IN_LOSSES)
def test_values_and_derivatives_at_zero(name):
    f = built_in(name)
    assert derivatives(f, 0.0) == pytest.approx(KNOWN[name][:3], abs=1e-12)
    assert f(torch.ones(1, dtype=torch.float64)).item() == pytest.approx(KNOWN[name][3], abs=1e-12)


def pairs_of(prompt, chosen, rejected, reference):
    sides = [tab.sequences(prompt, rows) for rows in (chosen, rejected)]
    return Pairs(*sides, *(batched_sequence_logps(reference, side) for side in sides))


def test_the_dpo_loss_by_hand():
    policy, reference, prompt, beta = tab.TabularPolicy(1), tab.TabularPolicy(0), tab.PROMPTS[0], 0.3
    chosen, rejected = [(1,), (2, 3, 0)], [(3, 1), (2, 1)]

    def rho(a, b):
        p = [tab.probability(policy, prompt, y) / tab.probability(reference, prompt, y) for y in (a, b)]
        return math.log(p[0] / p[1])

    margins = [rho(a, b) for a, b in zip(chosen, rejected, strict=True)]
    loss, info = Preference("logistic", beta)(policy, pairs_of(prompt, chosen, rejected, reference))
    assert loss.item() == pytest.approx(sum(-math.log(1 / (1 + math.exp(-beta * m))) for m in margins) / 2, abs=1e-12)
    assert info["pair_accuracy"] == sum(m > 0 for m in margins) / 2
    assert info["chosen_logratio"] - info["rejected_logratio"] == pytest.approx(sum(margins) / 2, abs=1e-12)
    assert info["tokens"] == 1 + 3 + 2 + 2


def test_the_dpo_gradient_is_the_papers():
    # grad = -beta sigmoid(-beta rho) [grad log pi(chosen) - grad log pi(rejected)] (Rafailov et al. 2023, eq. 8)
    policy, reference, prompt, beta = tab.TabularPolicy(1), tab.TabularPolicy(0), tab.PROMPTS[1], 0.7
    pairs = pairs_of(prompt, [(2, 3, 0)], [(3, 1)], reference)
    loss, _ = Preference("logistic", beta)(policy, pairs)
    (got,) = torch.autograd.grad(loss, policy.logits)
    chosen, rejected = logratios(policy, pairs)
    weight = beta * torch.sigmoid(-beta * (chosen - rejected)).detach()
    (direction,) = torch.autograd.grad((chosen - rejected).sum(), policy.logits)
    torch.testing.assert_close(got, -weight * direction, rtol=0, atol=1e-14)


@pytest.mark.parametrize("name", BUILT_IN_LOSSES)
def test_three_actions_with_opposite_labels_leave_dpo_blind(name):
    # {y1 > y2, y2 > y1} with uniform pi_ref: any (a, a, 1 - 2a) keeps the loss at f(0) (FACTS 13)
    reference, prompt, every = tab.TabularPolicy(0, spread=0.0), (2,), [(0,), (2,)]
    policy = tab.TabularPolicy(0, spread=0.0)
    pairs = pairs_of(prompt, every, every[::-1], reference)
    at_zero = built_in(name)(torch.zeros(1, dtype=torch.float64)).item()
    for lift in (0.0, 5.0, 50.0):
        with torch.no_grad():
            policy.logits[tab.state(prompt), 3] = lift
        assert Preference(name, 1.0)(policy, pairs)[0].item() == pytest.approx(at_zero, abs=1e-12)


def test_stack_puts_chosen_first_and_keeps_only_what_is_read():
    wide, narrow = tab.sequences((2,), [(2, 3, 0), (1,)], width=9), tab.sequences((2,), [(3, 1), (2, 1)], width=2)
    for sides in ((wide, narrow), (narrow, wide)):
        both = stack(*sides)
        assert both.response_ids.shape == (4, 3)
        want = [tab.read_response(side, i) for side in sides for i in range(2)]
        assert [tab.read_response(both, i) for i in range(4)] == want


def test_widths_and_padding_change_no_log_ratio():
    policy, reference, words = toy_lm.policy(0), toy_lm.policy(3), toy_lm.tokenizer()
    chosen, rejected = toy_lm.sequences(), encode(words, toy_lm.PROMPTS, ["two", "one one one", "blue", ""])

    def said(left, right):
        sides = [toy_lm.padded(chosen, left, right), toy_lm.padded(rejected, left, 3 * right)]
        return logratios(policy, Pairs(*sides, *(batched_sequence_logps(reference, side) for side in sides)))

    for want, got in zip(said(0, 0), said(20, 4), strict=True):
        torch.testing.assert_close(got, want, rtol=0, atol=1e-10)


def test_one_pass_over_a_batch():
    pairs = pairs_of((2,), [(1,)], [(3, 1)], tab.TabularPolicy(0))
    assert list(Preference("logistic", 0.1).minibatches(tab.TabularPolicy(0), pairs, stream("x"))) == [pairs]
    assert Preference("logistic", 0.1).parameter_groups() == []

"""The oracles themselves: where they can be wrong they are held against arithmetic, or against each other."""

import math

import pytest
import torch

from bench.checks.estimators import exact
from bench.checks.estimators import world as tab

REFERENCE, PROMPT = tab.TabularPolicy(0), tab.PROMPTS[1]


@pytest.mark.parametrize("longest", [1, 2, 3])
def test_a_policy_of_a_distribution_has_it(longest):
    wanted = {p: tab.distribution(tab.TabularPolicy(7), p, longest) for p in tab.PROMPTS}
    policy = exact.policy_of(wanted, longest)
    for prompt, p in wanted.items():
        torch.testing.assert_close(tab.distribution(policy, prompt, longest), p, rtol=0, atol=1e-14)


def test_a_tilted_policy_by_hand():
    # Doubling the odds of EOS alone: from p to 2p / (1 + p)
    values = torch.tensor([math.log(2) if y == (tab.EOS,) else 0.0 for y in tab.responses()], dtype=torch.float64)
    p = tab.probability(REFERENCE, PROMPT, (tab.EOS,))
    got = exact.tilted(REFERENCE, PROMPT, values)
    assert got[tab.responses().index((tab.EOS,))].item() == pytest.approx(2 * p / (1 + p), abs=1e-14)
    assert got.sum().item() == pytest.approx(1, abs=1e-14)


def test_central_differences_of_a_probability():
    # d p(EOS) / d logit(token) = p(EOS) (1[token = EOS] - p(token)), at the prompt's state alone
    p = [tab.probability(REFERENCE, PROMPT, (token,)) for token in range(tab.V)]
    got = exact.numeric_gradient(lambda x: tab.probability(x, PROMPT, (tab.EOS,)), REFERENCE, [PROMPT])
    want = torch.zeros_like(got)
    for token in range(tab.V):
        want[tab.state(PROMPT), token] = p[tab.EOS] * ((token == tab.EOS) - p[token])
    torch.testing.assert_close(got, want, rtol=0, atol=1e-9)
    assert torch.equal(REFERENCE.logits, tab.TabularPolicy(0).logits)  # as it was


def test_pair_weights_sum_to_one_and_count_both_orders():
    mu, rewards = torch.tensor([0.25, 0.75]), torch.tensor([0.0, math.log(3)])
    weights = exact.pair_weights(mu, exact.bradley_terry(rewards)).reshape(2, 2)
    # (low, high) drawn in either order: 2 * 3/16, of which high wins 3/4; equal ones: 1/16 and 9/16
    assert weights.flatten().tolist() == pytest.approx([1 / 16, 6 / 16 / 4, 6 / 16 * 3 / 4, 9 / 16])


def test_scores_read_what_was_said_and_values_list_the_same():
    table = exact.table_of(0)
    rows = tab.sequences(PROMPT, tab.responses())
    assert torch.equal(exact.score_of(table)(rows), exact.values_of(table, PROMPT))

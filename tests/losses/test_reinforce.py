import math

import pytest
import torch
from pydantic import ValidationError

from bench.checks.estimators import world as tab
from bench.core.seeds import stream
from bench.core.types import Counts, Rollouts
from bench.lm.logprobs import token_logps
from bench.losses.reinforce import ADVANTAGES, Reinforce, leave_one_out
from bench.methods.reinforce import ReinforceConfig
from bench.samplers.on_policy import OnPolicy

REFERENCE = tab.TabularPolicy(0)
SCORES = torch.tensor([2.0, 2.0, 8.0, 0.0, 0.0, 3.0], dtype=torch.float64)
PENALTIES = torch.tensor([1.0, 0.0, 2.0, 0.0, 0.0, 0.0], dtype=torch.float64)  # returns: 1 2 6, 0 0 3


@pytest.mark.parametrize(
    ("name", "want"),
    [
        ("plain", [1, 2, 6, 0, 0, 3]),
        ("less_mean", [-1, 0, 4, -2, -2, 1]),  # 12 / 6 = 2
        # less (2+6)/2, (1+6)/2, (1+2)/2; (0+3)/2, (0+3)/2, 0
        ("leave_one_out", [-3, -1.5, 4.5, -1.5, -1.5, 3]),
        # scores less 4 over sqrt 8, less penalties less 1; scores less 1 over sqrt 2
        ("group_standardized", [-(0.5**0.5), 1 - 0.5**0.5, 2**0.5 - 1, -(0.5**0.5), -(0.5**0.5), 2**0.5]),
    ],
)
def test_advantages_by_hand(name, want):
    assert ADVANTAGES[name](SCORES, PENALTIES, 3).tolist() == pytest.approx(want, abs=1e-12)


def test_two_samples_left_out_are_each_others_baseline():
    assert leave_one_out(SCORES, PENALTIES, 2).tolist() == [-1, 1, 6, -6, -3, 3]


def test_a_group_of_equal_scores_teaches_nothing_but_the_penalty():
    score = torch.full((4,), 5.0)
    assert ADVANTAGES["group_standardized"](score, torch.tensor([1.0, 0.0, 0.0, 3.0]), 4).tolist() == [0, 1, 1, -2]


@pytest.mark.parametrize("advantage", ADVANTAGES)
def test_the_loss_and_its_gradient_by_hand(advantage):
    policy, prompt, beta = tab.TabularPolicy(1), (2,), 0.5
    rows, score = tab.sequences(prompt, [(1,), (2, 3, 0), (3, 1), (0, 2, 1)]), [3.0, -1.0, 0.5, 2.0]
    logps = (token_logps(x, rows).detach() for x in (policy, REFERENCE))
    batch = Rollouts(rows, torch.tensor(score, dtype=torch.float64), *logps)
    logp, returns = [], []
    for i, s in enumerate(score):
        p, q = (tab.probability(x, prompt, tab.read_response(rows, i)) for x in (policy, REFERENCE))
        logp.append(math.log(p))
        returns.append(s - beta * math.log(p / q))
    cost = [s - r for s, r in zip(score, returns, strict=True)]
    advantages = {
        "plain": returns,
        "less_mean": [r - sum(returns) / 4 for r in returns],
        "leave_one_out": [
            r - o for r, o in zip(returns, [returns[1], returns[0], returns[3], returns[2]], strict=True)
        ],
        "group_standardized": [  # of two scores the higher is one sd above their mean
            sign - (cost[i] - cost[j]) / 2 for sign, i, j in ((1, 0, 1), (-1, 1, 0), (-1, 2, 3), (1, 3, 2))
        ],
    }[advantage]
    method = Reinforce(beta, advantage, 2, tab.T)
    (part,) = method.minibatches(policy, batch, stream("x"))
    loss, info = method(policy, part)
    want = -sum(a * lp for a, lp in zip(advantages, logp, strict=True)) / 4 / tab.T
    assert loss.item() == pytest.approx(want, abs=1e-12)
    assert info["return"] == pytest.approx(sum(returns) / 4, abs=1e-12)
    assert info["tokens"] == 1 + 3 + 2 + 3
    (got,) = torch.autograd.grad(loss, policy.logits)  # advantages are constants: no gradient through the return
    weights = torch.tensor(advantages, dtype=torch.float64)
    surrogate = -(weights * (token_logps(policy, rows) * rows.response_mask).sum(1)).sum() / 4 / tab.T
    torch.testing.assert_close(got, torch.autograd.grad(surrogate, policy.logits)[0], rtol=0, atol=1e-14)


def test_samples_of_a_prompt_are_adjacent_and_the_batch_counts_rollouts():
    def score(rows):
        return rows.lengths.double()

    counts = Counts()
    sampler = OnPolicy(tab.prompts(6), REFERENCE, score, 8, tab.T, tab.EOS, tab.PAD, 0, samples_per_prompt=4)
    drawn = sampler.draw(tab.TabularPolicy(1), 0, counts)
    assert len(drawn) == counts.samples_seen == 8
    assert all(torch.equal(drawn.sequences.prompt_ids[i], drawn.sequences.prompt_ids[4 * (i // 4)]) for i in range(8))
    assert len({tab.read_response(drawn.sequences, i) for i in range(8)}) > 1


@pytest.mark.parametrize(
    ("changes", "part"),
    [({"samples_per_prompt": 1}, "samples_per_prompt >= 2"), ({"batch": 10, "samples_per_prompt": 4}, "multiple")],
)
def test_groups_that_do_not_fit_are_refused(changes, part):
    with pytest.raises(ValidationError, match=part):
        ReinforceConfig(**changes)

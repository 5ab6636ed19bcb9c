import math

import pytest
import torch
from pydantic import ValidationError

from bench.config.methods import ReinforceConfig
from bench.core.seeds import stream
from bench.lm.logprobs import token_logps
from bench.methods.base import Counts, Rollouts
from bench.methods.reinforce import BASELINES, Reinforce, leave_one_out
from bench.methods.samplers import OnPolicy
from bench.selfcheck import world as tab

REFERENCE = tab.TabularPolicy(0)
RETURNS = torch.tensor([1.0, 2.0, 6.0, 0.0, 0.0, 3.0], dtype=torch.float64)


@pytest.mark.parametrize(
    ("name", "want"),
    [
        ("none", [0.0] * 6),
        ("mean", [2.0] * 6),  # 12 / 6
        ("leave_one_out", [4.0, 3.5, 1.5, 1.5, 1.5, 0.0]),  # (2+6)/2, (1+6)/2, (1+2)/2; (0+3)/2, (0+3)/2, 0
    ],
)
def test_baselines_by_hand(name, want):
    assert BASELINES[name](RETURNS, 3).tolist() == want


def test_two_samples_left_out_are_each_others_baseline():
    assert leave_one_out(RETURNS, 2).tolist() == [2.0, 1.0, 0.0, 6.0, 3.0, 0.0]


@pytest.mark.parametrize("baseline", BASELINES)
def test_the_loss_and_its_gradient_by_hand(baseline):
    policy, prompt, beta = tab.TabularPolicy(1), (2,), 0.5
    rows, score = tab.sequences(prompt, [(1,), (2, 3, 0), (3, 1), (0, 2, 1)]), [3.0, -1.0, 0.5, 2.0]
    batch = Rollouts(rows, torch.tensor(score, dtype=torch.float64), token_logps(REFERENCE, rows).detach())
    logp, returns = [], []
    for i, s in enumerate(score):
        p, q = (tab.probability(x, prompt, tab.read_response(rows, i)) for x in (policy, REFERENCE))
        logp.append(math.log(p))
        returns.append(s - beta * math.log(p / q))
    others = {
        "none": [0.0] * 4,
        "mean": [sum(returns) / 4] * 4,
        "leave_one_out": [returns[1], returns[0], returns[3], returns[2]],
    }[baseline]
    loss, info = Reinforce(beta, baseline, 2, tab.T)(policy, batch)
    want = -sum((r - b) * lp for r, b, lp in zip(returns, others, logp, strict=True)) / 4 / tab.T
    assert loss.item() == pytest.approx(want, abs=1e-12)
    assert info["return"] == pytest.approx(sum(returns) / 4, abs=1e-12)
    assert info["tokens"] == 1 + 3 + 2 + 3
    (got,) = torch.autograd.grad(loss, policy.logits)  # advantages are constants: no gradient through the return
    weights = torch.tensor([b - r for r, b in zip(returns, others, strict=True)], dtype=torch.float64)
    surrogate = (weights * (token_logps(policy, rows) * rows.response_mask).sum(1)).sum() / 4 / tab.T
    torch.testing.assert_close(got, torch.autograd.grad(surrogate, policy.logits)[0], rtol=0, atol=1e-14)


def test_one_pass_over_a_batch():
    rows = tab.sequences((2,), [(1,), (3, 1)])
    batch = Rollouts(rows, torch.zeros(2, dtype=torch.float64), token_logps(REFERENCE, rows).detach())
    assert list(Reinforce(0.1, "mean", 1, tab.T).minibatches(REFERENCE, batch, stream("x"))) == [batch]


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

import pytest
import torch

from bench.losses.advantages import gae, token_rewards, whiten


def rows(*values):
    return torch.tensor(values, dtype=torch.float64)


MASK = torch.tensor([[True, True, True], [True, True, False]])
REWARDS = rows([1.0, 0.0, 2.0], [0.0, 3.0, 0.0])
VALUES = rows([0.5, 1.0, -1.0], [2.0, 1.0, 99.0])  # 99 stands past the end: it must not be read


def test_gae_by_hand():
    # Row 0: deltas 1 + 1 - .5 = 1.5; 0 - 1 - 1 = -2; 2 + 0 + 1 = 3
    #        backwards with lambda .5: 3; -2 + .5 * 3 = -.5; 1.5 + .5 * -.5 = 1.25
    # Row 1: deltas 0 + 1 - 2 = -1; 3 + 0 - 1 = 2; backwards: 2; -1 + .5 * 2 = 0
    got = gae(REWARDS, VALUES, MASK, 0.5)
    assert got.tolist() == [[1.25, -0.5, 3.0], [0.0, 2.0, 0.0]]


def test_lambda_one_is_the_return_minus_the_value():
    # Returns to go: row 0: 3, 2, 2; row 1: 3, 3
    assert gae(REWARDS, VALUES, MASK, 1.0).tolist() == [[2.5, 1.0, 3.0], [1.0, 2.0, 0.0]]


def test_lambda_zero_is_the_one_step_error():
    assert gae(REWARDS, VALUES, MASK, 0.0).tolist() == [[1.5, -2.0, 3.0], [-1.0, 2.0, 0.0]]


@pytest.mark.parametrize("lam", [0.0, 0.7, 1.0])
def test_exact_values_leave_no_advantage(lam):
    values = REWARDS.flip(1).cumsum(1).flip(1)
    assert gae(REWARDS, values, MASK, lam).abs().max() == 0


@pytest.mark.parametrize("lam", [0.0, 0.5, 1.0])
def test_nothing_follows_the_last_token_whether_eos_or_cut(lam):
    # The last advantage is reward minus value; a longer buffer, a full row or values past the end change nothing.
    wide = [torch.nn.functional.pad(x, (0, 4), value=50.0) for x in (REWARDS, VALUES)]
    mask = torch.nn.functional.pad(MASK, (0, 4))
    got = gae(*wide, mask, lam)
    assert torch.equal(got[:, :3], gae(REWARDS, VALUES, MASK, lam))
    assert got[:, 3:].abs().max() == 0
    assert got[0, 2] == REWARDS[0, 2] - VALUES[0, 2]


def test_token_rewards_by_hand():
    # beta .5; log-ratios .2, -.4, (masked); the score 3 falls on the last token
    logps, ref = rows([-1.0, -1.4, -9.0]), rows([-1.2, -1.0, 7.0])
    got = token_rewards(rows(3.0), logps, ref, torch.tensor([[True, True, False]]), 0.5)
    torch.testing.assert_close(got, rows([-0.1, 3.2, 0.0]))


def test_token_rewards_sum_to_the_score_minus_beta_times_the_log_ratio():
    generator = torch.Generator().manual_seed(0)
    logps, ref = (torch.randn(64, 9, dtype=torch.float64, generator=generator) for _ in range(2))
    score = torch.randn(64, dtype=torch.float64, generator=generator)
    lengths = torch.randint(1, 10, (64,), generator=generator)
    mask = torch.arange(9) < lengths[:, None]
    for beta in (0.0, 0.3):
        got = token_rewards(score, logps, ref, mask, beta).sum(1)
        want = [score[b] - beta * (logps[b, :n] - ref[b, :n]).sum() for b, n in enumerate(lengths.tolist())]
        torch.testing.assert_close(got, torch.stack(want), rtol=0, atol=1e-13)


def test_whitening_reads_masked_positions_only():
    got = whiten(rows([1.0, 3.0, 1e9], [5.0, 7.0, -1e9]), torch.tensor([[True, True, False]] * 2))
    # 1 3 5 7: mean 4, variance 5
    torch.testing.assert_close(got, rows([-3.0, -1.0, 0.0], [1.0, 3.0, 0.0]) / 5**0.5, rtol=1e-7, atol=0)


def test_a_response_of_one_column_has_its_reward_less_its_value():
    one = torch.ones(1, 1, dtype=torch.bool)
    assert gae(torch.tensor([[3.0]]), torch.tensor([[1.0]]), one, 0.5).tolist() == [[2.0]]

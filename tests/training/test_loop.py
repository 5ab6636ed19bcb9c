import itertools
import math

import pytest
import torch
import toy_methods

from bench.checks.estimators import world as tab
from bench.core.types import Pairs
from bench.errors import DivergedError
from bench.losses.base import Loss
from bench.losses.ppo import PPO
from bench.losses.preference import Preference
from bench.samplers.base import Sampler
from bench.samplers.on_policy import OnPolicy
from bench.samplers.stored import StoredPairs
from bench.training.loop import WARMUP_STEPS, Trainer

CONFIGS = toy_methods.trained_configs()


def trainer(name, seed=0):
    method = toy_methods.method(CONFIGS[name])
    return Trainer(toy_methods.policy(), method.sampler, method.loss, method.lr, method.max_grad_norm, seed)


def state(of):
    tensors = {**of.policy.state_dict(), **{f"loss.{k}": v for k, v in of.loss.state_dict().items()}}
    for index, moments in of.optimizer.state_dict()["state"].items():
        tensors |= {f"{index}.{k}": v for k, v in moments.items()}
    return tensors


@pytest.mark.parametrize("name", CONFIGS)
def test_a_continued_run_is_the_unbroken_one_bit_for_bit(name, tmp_path):
    unbroken = trainer(name)
    for _ in range(5):
        unbroken.advance()
    broken = trainer(name)
    for _ in range(2):
        broken.advance()
    rest = broken.save(tmp_path / "state.safetensors")
    broken.advance()  # what is done after saving is forgotten
    continued = trainer(name)
    continued.load(tmp_path / "state.safetensors", rest)
    for _ in range(3):
        continued.advance()
    assert (continued.step, continued.counts) == (unbroken.step, unbroken.counts)
    want, got = state(unbroken), state(continued)
    assert want.keys() == got.keys()
    assert all(torch.equal(want[k], got[k]) for k in want)
    assert continued.advance() == unbroken.advance()


class Everything(Sampler):
    name = "everything"

    def draw(self, policy, step, counts):
        return step


class Pull(Loss):
    """-c times one logit: a gradient of known size."""

    name = "pull"

    def __init__(self, c):
        super().__init__()
        self.c = c

    def minibatches(self, policy, batch, generator):
        yield batch

    def forward(self, policy, minibatch):
        return -self.c * policy.logits[0, 0], {"tokens": 1.0}

    def parameter_groups(self):
        return []


def test_the_rate_warms_up_linearly():
    # Adam's first steps under a constant gradient each move by the rate: after t of 10 steps, lr (1 + ... + t) / 10
    policy = tab.TabularPolicy(0)
    start, run = policy.logits[0, 0].item(), Trainer(policy, Everything(), Pull(1.0), 0.01, 1e9, 0)
    for _ in range(WARMUP_STEPS):
        run.advance()
    assert policy.logits[0, 0].item() - start == pytest.approx(0.01 * 55 / 10, rel=1e-6)
    run.advance()
    assert policy.logits[0, 0].item() - start == pytest.approx(0.01 * 65 / 10, rel=1e-6)


def test_gradients_are_clipped_by_norm():
    policy = tab.TabularPolicy(0)
    run = Trainer(policy, Everything(), Pull(100.0), 0.01, 0.5, 0)
    run.advance()
    assert policy.logits.grad is not None
    assert policy.logits.grad.norm().item() == pytest.approx(0.5, rel=1e-6)


def test_a_loss_that_is_not_finite_is_divergence():
    with pytest.raises(DivergedError, match="step 0"):
        Trainer(tab.TabularPolicy(0), Everything(), Pull(float("nan")), 0.01, 1.0, 0).advance()


def test_logs_are_means_over_minibatches_and_tokens_are_summed():
    run = trainer("ppo")
    info = run.advance()
    assert "tokens" not in info
    assert run.counts.tokens_trained == 2 * run.counts.tokens_sampled  # two epochs over what was drawn


# Two optima that are known in closed form, reached through the real sampler, loss and loop.

BETA = 0.5


def optimum(reference, prompt, reward, longest=tab.T):
    """pi_ref exp(r / beta), normalised."""
    rewards = torch.tensor([reward(prompt, y) for y in tab.responses(longest)], dtype=torch.float64)
    p = tab.distribution(reference, prompt, longest) * (rewards / BETA).exp()
    return p / p.sum()


@pytest.mark.parametrize(("whiten", "floor"), [(False, 1e-3), (True, 4e-3)], ids=["raw", "whitened"])
def test_ppo_reaches_pi_ref_exp_r_over_beta(whiten, floor):
    policy, reference = tab.TabularPolicy(0), tab.TabularPolicy(0)
    table = torch.randn(tab.STATES, dtype=torch.float64, generator=torch.Generator().manual_seed(3))

    def reward(prompt, response):
        return table[tab.state((*prompt, *response))].item()

    def score(rows):
        return table[tab.states(rows.input_ids, rows.attention_mask)[:, -1]]

    def distances():
        return [tab.exact_kl(tab.distribution(policy, p), optimum(reference, p, reward)) for p in tab.PROMPTS]

    sampler = OnPolicy(tab.prompts(256), reference, score, 512, tab.T, tab.EOS, tab.PAD, seed=0)
    loss = PPO(tab.TabularCritic(), BETA, 256, 2, 0.2, 0.2, 1.0, 0.05, tab.T, whiten)
    run = Trainer(policy, sampler, loss, 0.03, 1.0, seed=0)
    assert min(distances()) > 0.5
    for _ in range(200):
        run.advance()
    # A beta that is 10% off costs 5e-3 nats on the second prompt. Unwhitened, advantages vanish at the optimum (the
    # return is beta log Z for every response); whitened, they are noise of unit size and leave a floor.
    assert max(distances()) < floor


LEVELS = {(0, 0): 15, (1, 0): 20, (2, 1): 20, (2, 0): 24}  # of 30 labels, how often the higher one is preferred


def bradley_terry(level, reference, prompt):
    """Every pair of responses thirty times, preferred in exact proportion for r = level * ln 2."""
    every, chosen, rejected = list(level), [], []
    for a, b in itertools.permutations(every, 2):
        high, low = max(level[a], level[b]), min(level[a], level[b])
        times = LEVELS[(0, 0) if high == low else (high, low)]
        times = times if level[a] >= level[b] else 30 - times
        chosen, rejected = chosen + [a] * times, rejected + [b] * times
    logp = dict(zip(every, tab.distribution(reference, prompt, 2).log(), strict=True))
    sides = [tab.sequences(prompt, rows) for rows in (chosen, rejected)]
    return Pairs(*sides, *(torch.stack([logp[y] for y in rows]) for rows in (chosen, rejected)))


@pytest.mark.parametrize("f", ["logistic", "squared"])
def test_population_minimisers_of_preference_losses(f):
    policy, reference, prompt = tab.TabularPolicy(0), tab.TabularPolicy(0), tab.PROMPTS[1]
    level = {y: i % 3 for i, y in enumerate(tab.responses(2))}

    def reward(_, y):
        if f == "logistic":  # pi_ref exp(r / beta)
            return level[y] * math.log(2)
        # pi_ref exp(2 P(y > mu) / beta), mu uniform
        return 2 * sum(1 / (1 + 2.0 ** (other - level[y])) for other in level.values()) / len(level)

    want = optimum(reference, prompt, reward, 2)
    assert tab.exact_kl(tab.distribution(policy, prompt, 2), want) > 0.1
    pairs = bradley_terry(level, reference, prompt)
    run = Trainer(policy, StoredPairs(pairs, len(pairs), 0), Preference(f, BETA), 0.1, 1e9, seed=0)
    for _ in range(250):
        run.advance()
    # The whole data set is one batch, so only the optimiser's convergence is left.
    assert tab.exact_kl(tab.distribution(policy, prompt, 2), want) < 1e-5
    assert run.counts.samples_seen == 250 * 2 * len(pairs)
    assert run.counts.labels_used == len(pairs)

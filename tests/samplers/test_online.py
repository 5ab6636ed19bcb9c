import math

import pytest
import torch

from bench.checks.estimators import world as tab
from bench.checks.estimators.exact import joined
from bench.core.seeds import stream
from bench.core.types import Counts
from bench.lm.logprobs import sequence_logps
from bench.losses.preference import Preference
from bench.rewards.labeller import Labeller
from bench.samplers.on_policy import OnPolicy
from bench.samplers.online import OnlinePairs, Rounds, first_is_chosen
from bench.samplers.replay import Recorder, Replay
from bench.training.loop import Trainer

REFERENCE, POLICY = tab.TabularPolicy(0), tab.TabularPolicy(1)


def length(rows):
    return rows.lengths.double()


def online(batch=6, label="argmax", seed=0, metered=False):
    def rollouts(score):
        return OnPolicy(tab.prompts(8), REFERENCE, score, 2 * batch, tab.T, tab.EOS, tab.PAD, seed, 2)

    labeller = Labeller(length) if metered else None
    return OnlinePairs(rollouts(labeller or length), label, seed, labeller)


def test_bradley_terry_labels_come_with_their_probability():
    n, margin = 20_000, math.log(3)  # sigmoid(log 3) = 3/4
    score = torch.tensor([[margin + 5.0, 5.0]], dtype=torch.float64).expand(n, 2)
    share = first_is_chosen(score, "bradley_terry", stream("test")).double().mean().item()
    assert abs(share - 0.75) < 4 * math.sqrt(0.75 * 0.25 / n)


def test_argmax_takes_the_higher_and_tosses_a_fair_coin_for_ties():
    score = torch.tensor([[1.0, 0.0], [0.0, 1.0]]).repeat(500, 1)
    assert first_is_chosen(score, "argmax", stream("test")).tolist() == [True, False] * 500
    share = first_is_chosen(torch.zeros(20_000, 2), "argmax", stream("test")).double().mean().item()
    assert abs(share - 0.5) < 4 * math.sqrt(0.25 / 20_000)


def test_both_sides_answer_one_prompt_and_the_higher_score_is_chosen():
    counts = Counts()
    pairs = online().draw(POLICY, 2, counts)
    assert torch.equal(pairs.chosen.prompt_ids, pairs.rejected.prompt_ids)
    assert (length(pairs.chosen) >= length(pairs.rejected)).all()
    assert (length(pairs.chosen) > length(pairs.rejected)).any()
    for side, said in ((pairs.chosen, pairs.ref_chosen_B), (pairs.rejected, pairs.ref_rejected_B)):
        torch.testing.assert_close(said, sequence_logps(REFERENCE, side).detach(), rtol=0, atol=1e-12)
    tokens = int(pairs.chosen.lengths.sum() + pairs.rejected.lengths.sum())
    texts = [[tab.read_response(side, i) for i in range(6)] for side in (pairs.chosen, pairs.rejected)]
    equal = sum(chosen == rejected for chosen, rejected in zip(*texts, strict=True))
    assert 0 < equal < 6  # both cases are here
    assert counts == Counts(samples_seen=12, tokens_sampled=tokens, labels_used=0, equal_pairs=equal)


def test_golds_labels_count():
    counts = Counts()
    sampler = online(metered=True)
    for step in range(3):
        sampler.draw(POLICY, step, counts)
    assert counts.labels_used == 18


def test_every_step_has_coins_of_its_own():
    def coins(seed, step):  # a score that says nothing; the same rollouts, drawn apart, tell which side was chosen
        rollouts = OnPolicy(tab.prompts(99), REFERENCE, lambda r: torch.zeros(len(r)), 64, 3, tab.EOS, tab.PAD, seed, 2)
        first = rollouts.draw(POLICY, step, Counts()).sequences[::2]
        chosen = OnlinePairs(rollouts, "bradley_terry", seed).draw(POLICY, step, Counts()).chosen
        return [tab.read_response(first, i) == tab.read_response(chosen, i) for i in range(32)]

    assert coins(0, 0) == coins(0, 0)
    assert len({tuple(coins(*at)) for at in ((0, 0), (0, 1), (1, 0))}) == 3


def test_replaying_the_pairs_in_order_is_the_same_run():
    recorder = Recorder(online(label="bradley_terry"))
    assert recorder.name == "online"

    def run(sampler):
        trainer = Trainer(tab.TabularPolicy(0), sampler, Preference("logistic", 0.3), 0.05, 1.0, seed=0)
        infos = [trainer.advance() for _ in range(12)]
        return infos, trainer

    infos, first = run(recorder)
    pairs = joined(recorder.taken())
    again, second = run(Replay(pairs, 6, "recorded", 0))
    assert infos == again
    assert torch.equal(first.policy.logits, second.policy.logits)
    assert not torch.equal(first.policy.logits, tab.TabularPolicy(0).logits)
    _, third = run(Replay(pairs, 6, "shuffled", 0))
    assert not torch.equal(first.policy.logits, third.policy.logits)
    assert second.counts.samples_seen == first.counts.samples_seen
    assert second.counts.labels_used == 0
    assert recorder.taken() == []


def test_a_shuffled_replay_gives_every_pair_once():
    pairs = online().draw(POLICY, 0, Counts())
    replay = Replay(pairs, 2, "shuffled", 0)
    assert (replay.steps, replay.name) == (3, "replay_shuffled")
    drawn = torch.cat([replay.draw(POLICY, step, Counts()).ref_chosen_B for step in range(3)])
    assert not torch.equal(drawn, pairs.ref_chosen_B)
    assert torch.equal(drawn.sort().values, pairs.ref_chosen_B.sort().values)


def said(pairs):
    return [tab.read_response(pairs.chosen, i) for i in range(len(pairs))]


def test_a_round_is_written_by_the_policy_that_began_it():
    policies = [tab.TabularPolicy(seed) for seed in range(6)]
    rounds, plain = Rounds(online(), 3, REFERENCE), online()
    for step, policy in enumerate(policies):
        wrote = policies[3 * (step // 3)]
        want = said(plain.draw(wrote, step, Counts()))
        assert said(rounds.draw(policy, step, Counts())) == want
        if policy is not wrote:
            assert said(plain.draw(policy, step, Counts())) != want
    assert rounds.name == "iterative3"
    assert all(torch.equal(p.logits, tab.TabularPolicy(i).logits) for i, p in enumerate(policies))


def test_a_round_goes_on_after_a_break():
    rounds = Rounds(online(), 3, REFERENCE)
    rounds.draw(tab.TabularPolicy(1), 3, Counts())
    again = Rounds(online(), 3, REFERENCE)
    again.load(rounds.state())
    moved = tab.TabularPolicy(2)
    want = said(online().draw(tab.TabularPolicy(1), 4, Counts()))
    assert said(again.draw(moved, 4, Counts())) == want == said(rounds.draw(moved, 4, Counts()))


@pytest.mark.parametrize("label", ["bradley_terry", "argmax"])
def test_pairs_are_a_function_of_policy_seed_and_step(label):
    def drawn(sampler, step):
        pairs = sampler.draw(POLICY, step, Counts())
        return [tab.read_response(pairs.chosen, i) for i in range(len(pairs))]

    sampler = online(label=label)
    drawn(sampler, 0)
    assert drawn(sampler, 3) == drawn(online(label=label), 3)
    assert drawn(sampler, 3) != drawn(online(label=label, seed=1), 3)

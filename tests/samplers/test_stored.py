import numpy as np
import pytest
import torch

from bench.checks.estimators import world as tab
from bench.core.types import Counts, Pairs
from bench.lm.logprobs import token_logps
from bench.samplers.on_policy import OnPolicy
from bench.samplers.online import OnlinePairs
from bench.samplers.stored import StoredPairs, epoch_slice


@pytest.mark.parametrize(("total", "batch"), [(12, 4), (12, 12), (13, 4), (5, 1)])
def test_an_epoch_covers_each_row_at_most_once_and_leaves_out_less_than_a_batch(total, batch):
    per_epoch = total // batch
    for epoch in range(3):
        steps = range(epoch * per_epoch, (epoch + 1) * per_epoch)
        rows = torch.cat([epoch_slice("x", 0, step, batch, total) for step in steps]).tolist()
        assert len(rows) == len(set(rows)) == per_epoch * batch


def test_batches_are_a_function_of_seed_and_step():
    def batch(*at):
        return epoch_slice("x", *at, 64, 640).tolist()

    assert batch(0, 7) == batch(0, 7)
    assert batch(0, 7) != batch(1, 7)
    assert batch(0, 7) != batch(0, 17)  # the same place in the next epoch


def numbered(n):
    rows = tab.sequences((2,), [(1,)] * n)
    return Pairs(rows, rows, torch.arange(float(n)), torch.arange(float(n)))


def test_stored_pairs_cover_each_pair_once_an_epoch():
    sampler, counts, policy = StoredPairs(numbered(12), 4, 0), Counts(), tab.TabularPolicy(0)
    epochs = [torch.cat([sampler.draw(policy, step, counts).ref_chosen_B for step in range(e, e + 3)]) for e in (0, 3)]
    assert [sorted(seen.tolist()) for seen in epochs] == [list(range(12))] * 2
    assert not torch.equal(*epochs)
    assert counts == Counts(samples_seen=2 * 24, labels_used=12)


def test_a_draw_does_not_depend_on_the_draws_before_it():
    sampler, policy = StoredPairs(numbered(12), 4, 0), tab.TabularPolicy(0)
    unbroken = [sampler.draw(policy, step, Counts()).ref_chosen_B.tolist() for step in range(5)]
    assert StoredPairs(numbered(12), 4, 0).draw(policy, 4, Counts()).ref_chosen_B.tolist() == unbroken[4]


def test_a_batch_larger_than_its_data_is_refused():
    assert StoredPairs(numbered(3), 3, 0).steps_per_epoch == 1
    with pytest.raises(ValueError, match="batch 4 is more than the 3 stored pairs; use at most 3"):
        StoredPairs(numbered(3), 4, 0)
    with pytest.raises(ValueError, match="11 prompts a step are more than the 10 there are"):
        on_policy(n=10, batch=11)


def on_policy(n=10, batch=4, seed=0, reference=0, samples_per_prompt=1):
    def score(rows):
        return rows.lengths.double()

    limits = (tab.T, tab.EOS, tab.PAD)
    prompts, policy = tab.prompts(n // 2), tab.TabularPolicy(reference)
    return OnPolicy(prompts, policy, score, batch, *limits, seed, samples_per_prompt)


def test_rollouts_carry_the_references_log_probs_and_the_score():
    counts, policy = Counts(), tab.TabularPolicy(1)
    drawn = on_policy().draw(policy, 3, counts)
    rows = drawn.sequences
    assert drawn.score_B.tolist() == rows.lengths.tolist()
    want = token_logps(tab.TabularPolicy(0), rows)
    assert torch.equal(drawn.ref_logps_BT[rows.response_mask], want[rows.response_mask])
    assert counts == Counts(samples_seen=4, tokens_sampled=int(rows.lengths.sum()))
    assert not drawn.ref_logps_BT.requires_grad


def test_rollouts_say_the_kl_of_the_policy_that_drew_them():
    sampler, policy = on_policy(n=400, batch=200), tab.TabularPolicy(1)
    assert sampler.drawn_kl is None
    reference = tab.TabularPolicy(0)
    want = np.mean([tab.exact_kl(tab.distribution(policy, p), tab.distribution(reference, p)) for p in tab.PROMPTS])
    looks = []
    for step in range(20):
        sampler.draw(policy, step, Counts())
        looks.append(sampler.drawn_kl)
    # Twenty looks at 200 samples: the mean's standard error is that of the looks; four of them, and itself small.
    error = np.std(looks, ddof=1) / np.sqrt(20)
    assert error < 0.05
    assert np.mean(looks) == pytest.approx(want, abs=4 * error)


def test_pairs_say_no_kl():
    """A replay of them has nothing to say it with, and must be watched as the run that drew them was."""
    sampler = OnlinePairs(on_policy(samples_per_prompt=2), "argmax", 0)
    sampler.draw(tab.TabularPolicy(1), 0, Counts())
    assert sampler.drawn_kl is None


def test_rollouts_are_a_function_of_policy_seed_and_step():
    policy = tab.TabularPolicy(1)

    def drawn(sampler, step, from_policy=policy):
        rows = sampler.draw(from_policy, step, Counts()).sequences
        return [tab.read_response(rows, i) for i in range(len(rows))]

    sampler = on_policy(n=200, batch=100)
    drawn(sampler, 0)
    assert drawn(sampler, 1) == drawn(on_policy(n=200, batch=100), 1)
    assert drawn(sampler, 1) != drawn(sampler, 2)
    assert drawn(sampler, 1) != drawn(on_policy(n=200, batch=100, seed=1), 1)
    assert drawn(sampler, 1) != drawn(sampler, 1, tab.TabularPolicy(2))


def test_every_step_has_uniforms_of_its_own():
    one_prompt = tab.prompts(100, [tab.PROMPTS[0]])  # the order of prompts tells no steps apart
    sampler = OnPolicy(one_prompt, tab.TabularPolicy(0), lambda r: r.lengths.double(), 100, tab.T, tab.EOS, tab.PAD, 0)
    first, second = (sampler.draw(tab.TabularPolicy(1), step, Counts()).sequences for step in (1, 2))
    assert [tab.read_response(first, i) for i in range(100)] != [tab.read_response(second, i) for i in range(100)]

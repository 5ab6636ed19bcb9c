import pytest
import torch
import toy_lm

from bench.checks.estimators import world as tab
from bench.core.seeds import stream
from bench.lm.codec import encode_prompts
from bench.lm.generate import generate, generate_with_distributions
from bench.lm.kl import drawn_kl, sequence_kl

REFERENCE, POLICY = tab.TabularPolicy(0), tab.TabularPolicy(1)


def exact(prompt):
    return tab.distribution(POLICY, prompt), tab.distribution(REFERENCE, prompt)


@pytest.mark.parametrize("prompt", tab.PROMPTS)
def test_the_expectation_of_every_estimator_is_the_enumerated_value(prompt):
    p, q = exact(prompt)
    said = sequence_kl(POLICY, REFERENCE, tab.sequences(prompt, tab.responses()))
    assert float(p @ said.kl_B) == pytest.approx(tab.exact_kl(p, q), abs=1e-10)
    assert float(p @ said.logratio_B) == pytest.approx(tab.exact_kl(p, q), abs=1e-10)
    assert float(p @ said.entropy_B) == pytest.approx(float(-(p * p.log()).sum()), abs=1e-10)
    torch.testing.assert_close(said.logp_B, p.log(), rtol=0, atol=1e-12)
    assert said.kl_B.min() >= 0


def test_a_cut_at_any_length_leaves_both_estimators_unbiased():
    prompt = tab.PROMPTS[0]
    for longest in (1, 2, 3):
        p, q = (tab.distribution(x, prompt, longest) for x in (POLICY, REFERENCE))
        said = sequence_kl(POLICY, REFERENCE, tab.sequences(prompt, tab.responses(longest)))
        assert float(p @ said.kl_B) == pytest.approx(tab.exact_kl(p, q), abs=1e-10)
        assert float(p @ said.logratio_B) == pytest.approx(tab.exact_kl(p, q), abs=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_sampled_means_lie_within_four_standard_errors(seed):
    prompt, n = tab.PROMPTS[1], 4_000
    p, q = exact(prompt)
    drawn = generate(POLICY, tab.prompts(n, [prompt]), tab.T, tab.EOS, tab.PAD, stream("test.kl", seed))
    said = sequence_kl(POLICY, REFERENCE, drawn)
    wanted = [(said.kl_B, tab.exact_kl(p, q)), (said.logratio_B, tab.exact_kl(p, q))]
    wanted.append((said.entropy_B, float(-(p * p.log()).sum())))
    for values, want in wanted:
        assert abs(float(values.mean()) - want) < 4 * float(values.std()) / n**0.5


def test_a_policy_is_at_no_distance_from_itself():
    policy = toy_lm.policy()
    said = sequence_kl(policy, policy, toy_lm.sequences())
    assert said.kl_B.tolist() == said.logratio_B.tolist() == [0.0] * 4
    assert said.entropy_B.min() > 0


@pytest.mark.parametrize(("dtype", "nats"), [(torch.float64, 1e-5), (torch.float32, 1e-4)])
@pytest.mark.parametrize("reference", [3, 0], ids=["moved", "at pi_ref"])
def test_the_samplers_own_distributions_give_the_kl_of_a_reading(dtype, nats, reference):
    policy, reference = toy_lm.policy(0, dtype=dtype), toy_lm.policy(reference, dtype=dtype)
    prompts = encode_prompts(toy_lm.tokenizer(), toy_lm.PROMPTS * 16)
    drawn, logps_BTV = generate_with_distributions(policy, prompts, 12, 3, 0, stream("test.kl"))
    got, want = drawn_kl(logps_BTV, reference, drawn), sequence_kl(policy, reference, drawn)
    for name in ("kl_B", "logratio_B", "entropy_B", "logp_B", "ref_logps_BT"):  # rounding of sums of 12 terms
        torch.testing.assert_close(getattr(got, name), getattr(want, name), rtol=0, atol=nats)
    assert got.kl_B.min() >= 0


def test_padding_and_batches_change_no_kl():
    policy, reference = toy_lm.policy(0), toy_lm.policy(3)
    prompts = encode_prompts(toy_lm.tokenizer(), toy_lm.PROMPTS * 16)
    drawn = generate(policy, prompts, 12, 3, 0, stream("test.kl"))
    want = sequence_kl(policy, reference, drawn, 64)
    for rows, size in ((drawn, 1), (drawn, 7), (toy_lm.padded(drawn, 20, 5), 64)):
        got = sequence_kl(policy, reference, rows, size)
        for name in ("kl_B", "logratio_B", "entropy_B", "logp_B"):  # float64 rounding of sums of some tens of nats
            torch.testing.assert_close(getattr(got, name), getattr(want, name), rtol=0, atol=1e-10)

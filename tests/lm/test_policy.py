import torch
import toy_lm

from bench.lm.logprobs import sequence_logps
from bench.lm.policy import load_policy, neox_config, new_lm, parameter_count


def test_a_saved_policy_says_the_same(tmp_path):
    policy = toy_lm.policy(dtype=torch.float32)
    policy.save(tmp_path)
    again = load_policy(tmp_path, "cpu")
    assert torch.equal(sequence_logps(again, toy_lm.sequences()), sequence_logps(policy, toy_lm.sequences()))
    assert not list(tmp_path.glob("*.bin"))  # nothing that would be unpickled


def test_an_initialisation_is_a_function_of_its_seed_and_moves_no_global_generator():
    config, before = neox_config(toy_lm.SIZE, toy_lm.tokenizer(), 64), torch.get_rng_state()
    a, b, c = (torch.cat([p.flatten() for p in new_lm(config, seed).parameters()]) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_parameters_are_counted_once():
    # Embedding and head 11 x 16 each (not tied); a layer of width 16: norms 4 x 16, attention 16 x 48 + 48 and
    # 16 x 16 + 16, MLP 16 x 64 + 64 and 64 x 16 + 16; two layers; a last norm 2 x 16.
    layer = 4 * 16 + (16 * 48 + 48) + (16 * 16 + 16) + (16 * 64 + 64) + (64 * 16 + 16)
    assert parameter_count(toy_lm.policy()) == 2 * 11 * 16 + 2 * layer + 2 * 16


def test_dropout_is_off_even_in_training_mode():
    policy = toy_lm.policy().train()
    assert torch.equal(sequence_logps(policy, toy_lm.sequences()), sequence_logps(policy, toy_lm.sequences()))

import hashlib

import numpy as np
import torch

from bench.core.seeds import np_stream, seed_of, stream


def test_a_seed_is_the_upper_63_bits_of_the_names_hash():
    digest = hashlib.sha256(b"rollout/3/17").hexdigest()
    assert seed_of("rollout", 3, 17) == int(digest[:16], 16) // 2
    assert 0 <= seed_of("rollout", 3, 17) < 2**63


def test_every_name_and_path_has_a_stream_of_its_own():
    seeds = {seed_of(name, seed, step) for name in ("a", "b") for seed in range(20) for step in range(20)}
    assert len(seeds) == 2 * 20 * 20
    assert seed_of("a", 1, 23) != seed_of("a", 12, 3)


def test_streams_repeat_and_leave_the_global_generators_alone():
    before, np_before = torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    assert torch.equal(torch.rand(5, generator=stream("x", 1)), torch.rand(5, generator=stream("x", 1)))
    assert not torch.equal(torch.rand(5, generator=stream("x", 1)), torch.rand(5, generator=stream("x", 2)))
    assert np.array_equal(np_stream("x", 1).random(5), np_stream("x", 1).random(5))
    assert torch.equal(torch.get_rng_state(), before)
    assert np.random.get_state()[1].tolist() == np_before  # noqa: NPY002

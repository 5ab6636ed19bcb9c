"""Detection of global randomness. All randomness in the harness must come from named streams."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from bench.checks.plugins.kit import demand


@contextmanager
def global_seed(seed: int) -> Iterator[None]:
    """Seed Python's, NumPy's and torch's global generators, and restore them. Raises if the latter two are used."""
    kept = (random.getstate(), np.random.get_state(), torch.get_rng_state())  # noqa: NPY002
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    torch.manual_seed(seed)
    before = _fingerprint()
    try:
        yield
        demand(_fingerprint() == before, "a global random generator was used or seeded; draw from a named stream")
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])  # noqa: NPY002
        torch.set_rng_state(kept[2])


def _fingerprint() -> bytes:
    """Fingerprint of NumPy's and torch's states. Python's is left out, because type checkers use it."""
    name, keys, place, *_ = np.random.get_state()  # noqa: NPY002
    return f"{name} {place}".encode() + np.asarray(keys).tobytes() + torch.get_rng_state().numpy().tobytes()

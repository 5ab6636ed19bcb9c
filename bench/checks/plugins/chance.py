"""Global random states: set differently, and watched. What the harness draws comes from named streams alone."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from bench.checks.plugins.kit import demand


@contextmanager
def global_seed(seed: int) -> Iterator[None]:
    """Python's, NumPy's and torch's global generators at `seed`; restored after. The latter two must not be used."""
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
    """Of the states that only numbers are drawn from: checkers of types draw from Python's."""
    name, keys, place, *_ = np.random.get_state()  # noqa: NPY002
    return f"{name} {place}".encode() + np.asarray(keys).tobytes() + torch.get_rng_state().numpy().tobytes()

"""Named random streams: the only source of randomness in the harness. Nothing is seeded globally."""

import hashlib

import numpy as np
import torch


def seed_of(name: str, *path: int | str) -> int:
    """A 63-bit seed that depends only on the stream's name and path.

    >>> seed_of("rollout", 0, 7) == seed_of("rollout", 0, 7) != seed_of("rollout", 0, 8)
    True
    """
    digest = hashlib.sha256("/".join([name, *map(str, path)]).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def stream(name: str, *path: int | str, device: str | torch.device = "cpu") -> torch.Generator:
    """A torch generator on `device` for the named stream."""
    return torch.Generator(device=device).manual_seed(seed_of(name, *path))


def np_stream(name: str, *path: int | str) -> np.random.Generator:
    """A NumPy generator for the named stream."""
    return np.random.default_rng(seed_of(name, *path))

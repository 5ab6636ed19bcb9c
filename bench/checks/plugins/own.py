"""The conformance checks over preference losses that people bring: what `bench selfcheck plugin=FILE.py` prints."""

from collections.abc import Sequence

import torch
from torch import Tensor

from bench.checks.plugins import F_CHECKS, METHOD_CHECKS, failures
from bench.checks.plugins.functions import F
from bench.checks.plugins.kit import NotConforming
from bench.config.plugins import Offer
from bench.errors import ConfigError
from bench.losses.plugins import loaded
from bench.losses.preference import Preference
from bench.methods.base import Method, MethodInputs
from bench.samplers.stored import StoredPairs

LOADS = "loads"
WIDTH = max(map(len, (*F_CHECKS, *METHOD_CHECKS)))


def check_own(offers: Sequence[Offer]) -> int:
    """Ask everything of each loss, print what came of it, and return 1 if one of them does not conform."""
    torch.set_num_threads(1)  # as in training
    off = 0
    for offer in offers:
        print(offer)
        for name, reason in verdicts(offer).items():
            print(f"  {name:<{WIDTH}}  {f'MISMATCH: {reason}' if reason else 'ok'}")
            off += bool(reason)
    print(f"losses asked: {len(offers)}, checks off: {off}")
    return 1 if off else 0


def verdicts(offer: Offer) -> dict[str, str]:
    """What is wrong by each check, an empty text where nothing is. A loss that does not load is asked nothing else."""
    try:
        f = _telling(loaded(offer, offer.sha256()))
    except ConfigError as error:
        return {LOADS: str(error)}

    def build(given: MethodInputs) -> Method:
        loss = Preference(offer.name, 0.1, own=f)
        return Method(StoredPairs(given.pairs(), 8, given.seed), loss, 6, 1e-2, 1.0)

    wrong = failures(F_CHECKS, f) | failures(METHOD_CHECKS, build)
    return {name: wrong.get(name, "") for name in (LOADS, *F_CHECKS, *METHOD_CHECKS)}


def _telling(f: F) -> F:
    """`f`, whose own errors are failures of the check that met them."""

    def told(x: Tensor) -> Tensor:
        try:
            return f(x)
        except Exception as error:  # what a user's function raises is theirs to choose
            raise NotConforming(f"f raises {type(error).__name__}: {error}") from error

    return told

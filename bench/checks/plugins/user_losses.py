"""Conformance checks of users' preference losses, for `bench selfcheck plugin=FILE.py`."""

from collections.abc import Sequence

import torch
from torch import Tensor

from bench.checks.plugins import F_CHECKS, METHOD_CHECKS, failures
from bench.checks.plugins.functions import F
from bench.checks.plugins.kit import NotConforming
from bench.config.plugins import LossDefinition
from bench.errors import ConfigError
from bench.losses.plugins import loaded
from bench.losses.preference import Preference
from bench.methods.base import Method, MethodInputs
from bench.samplers.stored import StoredPairs

LOADS = "loads"
WIDTH = max(map(len, (*F_CHECKS, *METHOD_CHECKS)))


def check_user_losses(losses: Sequence[LossDefinition]) -> int:
    """Run all checks of each loss, print the results, and return 1 if any check fails."""
    torch.set_num_threads(1)  # as in training
    off = 0
    for loss in losses:
        print(loss)
        for name, reason in verdicts(loss).items():
            print(f"  {name:<{WIDTH}}  {f'MISMATCH: {reason}' if reason else 'ok'}")
            off += bool(reason)
    print(f"losses checked: {len(losses)}, checks off: {off}")
    return 1 if off else 0


def verdicts(definition: LossDefinition) -> dict[str, str]:
    """The message of each check, empty if it passes. Only the loading is reported for a loss that does not load."""
    try:
        f = _conforming_errors(loaded(definition, definition.sha256()))
    except ConfigError as error:
        return {LOADS: str(error)}

    def build(inputs: MethodInputs) -> Method:
        loss = Preference(definition.name, 0.1, function=f)
        return Method(StoredPairs(inputs.pairs(), 8, inputs.seed), loss, 6, 1e-2, 1.0)

    wrong = failures(F_CHECKS, f) | failures(METHOD_CHECKS, build)
    return {name: wrong.get(name, "") for name in (LOADS, *F_CHECKS, *METHOD_CHECKS)}


def _conforming_errors(f: F) -> F:
    """Wrap f so that its errors count as failures of the running check."""

    def wrapped(x: Tensor) -> Tensor:
        try:
            return f(x)
        except Exception as error:  # a user's function may raise any exception
            raise NotConforming(f"f raises {type(error).__name__}: {error}") from error

    return wrapped

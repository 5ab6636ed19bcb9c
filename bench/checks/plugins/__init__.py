"""Conformance checks: the properties that the harness requires of every sampler, loss and f. Run them on your code.

    from bench.checks.plugins import METHOD_CHECKS, check_f, check_method

    def test_my_method():
        check_method(my_builder)  # a function from MethodInputs to Method

    @pytest.mark.parametrize("check", METHOD_CHECKS.values(), ids=METHOD_CHECKS)
    def test_my_method_check_by_check(check):
        check(my_builder)

Models are tiny and in float64, so that equalities hold to many digits. Left out: whether a method is good, and whether
its formula matches the paper, which needs a separate oracle. docs/conformance.md describes each check.
"""

from collections.abc import Callable

from bench.checks.plugins.functions import F_CHECKS, F
from bench.checks.plugins.kit import NotConforming, failures, require
from bench.checks.plugins.losses import LOSS_CHECKS
from bench.checks.plugins.samplers import SAMPLER_CHECKS, BuildSampler
from bench.checks.plugins.toys import toy_inputs
from bench.checks.plugins.training import TRAINING_CHECKS, BuildMethod

__all__ = [
    "F_CHECKS",
    "METHOD_CHECKS",
    "SAMPLER_CHECKS",
    "NotConforming",
    "check_f",
    "check_method",
    "check_sampler",
    "failures",
    "toy_inputs",
]


def _of_its_sampler(check: Callable[[BuildSampler], None]) -> Callable[[BuildMethod], None]:
    return lambda build: check(lambda inputs: build(inputs).sampler)


METHOD_CHECKS: dict[str, Callable[[BuildMethod], None]] = {
    **{f"its sampler {name}": _of_its_sampler(check) for name, check in SAMPLER_CHECKS.items()},
    **{f"its loss: {name}": check for name, check in LOSS_CHECKS.items()},
    **TRAINING_CHECKS,
}
"""All checks of a method, by name."""


def check_method(build: BuildMethod) -> None:
    """Raise NotConforming that lists every failed check of the method. Each check calls `build` again."""
    require(METHOD_CHECKS, build)


def check_sampler(build: BuildSampler) -> None:
    """Raise NotConforming that lists every failed check of the sampler."""
    require(SAMPLER_CHECKS, build)


def check_f(f: F) -> None:
    """Raise NotConforming that lists every failed check of the preference loss f."""
    require(F_CHECKS, f)

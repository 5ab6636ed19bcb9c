"""What every method owes the harness, as checks that anybody can point at a sampler, a loss or an f of their own.

    from bench.checks.plugins import METHOD_CHECKS, check_f, check_method

    def test_my_method():
        check_method(my_builder)  # Materials in, Method out

    @pytest.mark.parametrize("check", METHOD_CHECKS.values(), ids=METHOD_CHECKS)
    def test_my_method_check_by_check(check):
        check(my_builder)

Models are tiny and in float64, so that what must be equal is equal to many digits. Left out: whether a method is any
good, and whether a formula is the paper's; that wants an oracle of its own. docs/conformance.md tells what each asks.
"""

from collections.abc import Callable

from bench.checks.plugins.functions import F_CHECKS, F
from bench.checks.plugins.kit import NotConforming, failures, require
from bench.checks.plugins.losses import LOSS_CHECKS
from bench.checks.plugins.samplers import SAMPLER_CHECKS, BuildSampler
from bench.checks.plugins.toys import materials
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
    "materials",
]


def _of_its_sampler(check: Callable[[BuildSampler], None]) -> Callable[[BuildMethod], None]:
    return lambda build: check(lambda given: build(given).sampler)


METHOD_CHECKS: dict[str, Callable[[BuildMethod], None]] = {
    **{f"its sampler {name}": _of_its_sampler(check) for name, check in SAMPLER_CHECKS.items()},
    **{f"its loss: {name}": check for name, check in LOSS_CHECKS.items()},
    **TRAINING_CHECKS,
}
"""Everything that a method is asked, by name."""


def check_method(build: BuildMethod) -> None:
    """Raises NotConforming with every check that the method fails. `build` is called anew by each check."""
    require(METHOD_CHECKS, build)


def check_sampler(build: BuildSampler) -> None:
    """Raises NotConforming with every check that the sampler fails."""
    require(SAMPLER_CHECKS, build)


def check_f(f: F) -> None:
    """Raises NotConforming with every check that the preference loss f fails."""
    require(F_CHECKS, f)

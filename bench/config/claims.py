"""Claims: predictions about a suite's curves, declared before the run. Each is decided by one or two numbers."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from bench.config.base import Config
from bench.config.method import Sweep

NEAREST = 1.0  # nats: nearer to pi_ref the gradients of all losses on the same pairs are parallel
Judge = Literal["gold", "writers", "users"]
"""Gold, the rubric with the writers' weights (gold's training target), or the users' unweighted rubric."""


class _CellClaim(Config):
    """A claim about the replicates of one setting of one method."""

    name: str = Field(min_length=1)
    method: str
    proxy: str | None = Field(default=None, description="default: the method's first")
    beta: float | None = Field(default=None, ge=0, description="default: the method's smallest")
    kl: float = Field(gt=0, description="nats; the declared KL at which the curve's end is read")

    @property
    def methods(self) -> tuple[tuple[str, float | None], ...]:
        """The methods of the claim, each with its declared beta."""
        return ((self.method, self.beta),)

    def settings(self, configured: Mapping[str, Sweep]) -> list[tuple[str, str, float | None]]:
        """The (method, proxy, beta) settings whose replicates decide the claim."""
        return [
            (name, proxy, _strength(configured[name], proxy, beta))
            for name, beta in self.methods
            for proxy in self._proxies(configured[name])
        ]

    def _proxies(self, method: Sweep) -> tuple[str, ...]:
        return (self.proxy or method.proxy[0],)


def _strength(method: Sweep, proxy: str, named: float | None) -> float | None:
    betas = method.coefficients(proxy)
    return betas[0] if betas == (None,) else named if named is not None else min(b or 0.0 for b in betas)


class HumpClaim(_CellClaim):
    """Gold rises and then falls by the declared KL, while the proxy keeps rising."""

    kind: Literal["hump"] = "hump"


class TurnClaim(_CellClaim):
    """Gold rises and then falls by the declared KL, with no condition on the proxy. For losses without a proxy."""

    kind: Literal["turn"] = "turn"


class NoFallClaim(_CellClaim):
    """Neither gold nor the rubric falls from its peak by the declared KL."""

    kind: Literal["no_fall"] = "no_fall"


class FallWithoutRiseClaim(_CellClaim):
    """Gold falls below pi_ref by the declared KL and never rises above it on the way."""

    kind: Literal["fall_without_rise"] = "fall_without_rise"


class HigherPeakClaim(_CellClaim):
    """Gold's peak before the declared KL is higher with `proxy` than with `than`, on the same pairs."""

    kind: Literal["higher_peak"] = "higher_peak"
    proxy: str
    than: str

    def _proxies(self, method: Sweep) -> tuple[str, ...]:
        return (self.proxy, self.than)


class EarlierPeakClaim(_CellClaim):
    """At the KL where `than` peaks, `judge` has already fallen from its peak. Both before the declared KL."""

    kind: Literal["earlier_peak"] = "earlier_peak"
    judge: Judge
    than: Judge

    @model_validator(mode="after")
    def _judges_differ(self) -> "EarlierPeakClaim":
        if self.judge == self.than:
            raise ValueError(
                f"{self.name!r} compares the judge {self.judge!r} with itself; set `than` to another judge"
            )
        return self


class _TwoMethodsClaim(_CellClaim):
    """A comparison of two settings. Both use `proxy`, or by default each method's first proxy."""

    than: str = Field(description="the other method")
    than_beta: float | None = Field(default=None, ge=0, description="default: the other method's smallest")

    @property
    def methods(self) -> tuple[tuple[str, float | None], ...]:
        return ((self.method, self.beta), (self.than, self.than_beta))


class CoincideClaim(_TwoMethodsClaim):
    """At the declared KL both settings have the same gold within `margin`, although their training paths differ.

    At pi_ref the gradients of all preference losses are parallel, so a comparison at small KL or small beta is empty.
    The claim therefore needs at least one nat, and the two runs' margins on the same batches must differ by then.
    """

    kind: Literal["coincide"] = "coincide"
    kl: float = Field(ge=NEAREST, description="nats; closer to pi_ref all curves coincide by construction")
    margin: float = Field(default=0.1, gt=0, description="gold standard deviations")


class HigherAtClaim(_TwoMethodsClaim):
    """Gold at the declared KL is higher than with `than`."""

    kind: Literal["higher_at"] = "higher_at"


class BetterClassifierClaim(_TwoMethodsClaim):
    """At the last shared KL the policy ranks more held-out pairs correctly than that of `than`, but has less gold.

    The last shared KL is the largest budget, up to the declared KL, that every replicate of both settings reaches.
    """

    kind: Literal["better_classifier"] = "better_classifier"


ClaimConfig = Annotated[
    HumpClaim
    | TurnClaim
    | NoFallClaim
    | FallWithoutRiseClaim
    | HigherPeakClaim
    | EarlierPeakClaim
    | CoincideClaim
    | HigherAtClaim
    | BetterClassifierClaim,
    Field(discriminator="kind"),
]

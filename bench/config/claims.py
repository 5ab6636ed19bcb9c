"""Claims: what a suite says beforehand that its curves will show. Few, each with one number at its end."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from bench.config.base import Config
from bench.config.method import Sweep

NEAREST = 1.0  # nats: nearer to pi_ref the gradients of all losses on one set of pairs are parallel
Judge = Literal["gold", "writers", "users"]
"""Gold, the rubric as gold was taught it, and the rubric as its plain sum of parts."""


class _CellClaim(Config):
    """A claim about the replicates of one setting of one method."""

    name: str = Field(min_length=1)
    method: str
    proxy: str | None = Field(default=None, description="the method's first when absent")
    beta: float | None = Field(default=None, ge=0, description="the method's smallest when absent")
    kl: float = Field(gt=0, description="nats; where the end of the curve is read, declared in advance")

    @property
    def methods(self) -> tuple[tuple[str, float | None], ...]:
        """The methods it is about, each with the beta that is named for it."""
        return ((self.method, self.beta),)

    def settings(self, configured: Mapping[str, Sweep]) -> list[tuple[str, str, float | None]]:
        """The (method, proxy, beta) whose replicates the claim rests on."""
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
    """Gold rises and then falls by the declared KL: of a loss that optimises no proxy, which may do as it likes."""

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
    """By the KL at which judge `than` is best, judge `judge` has fallen from its own peak, before the declared KL."""

    kind: Literal["earlier_peak"] = "earlier_peak"
    judge: Judge
    than: Judge

    @model_validator(mode="after")
    def _two_judges(self) -> "EarlierPeakClaim":
        if self.judge == self.than:
            raise ValueError(f"{self.name!r} compares the judge {self.judge!r} with itself; give another one as `than`")
        return self


class _TwoMethodsClaim(_CellClaim):
    """A claim about one setting beside another, `than`, each against `proxy` or else against its method's first."""

    than: str = Field(description="the other method")
    than_beta: float | None = Field(default=None, ge=0, description="the other method's smallest when absent")

    @property
    def methods(self) -> tuple[tuple[str, float | None], ...]:
        return ((self.method, self.beta), (self.than, self.than_beta))


class CoincideClaim(_TwoMethodsClaim):
    """At the declared KL the two have the same gold within `margin`, though they came there by different paths.

    At pi_ref the gradients of all preference losses are parallel, so small betas and small KLs show nothing. Hence at
    least a nat; and the margins that the two gave the same batches must differ by then, else nothing can be observed.
    """

    kind: Literal["coincide"] = "coincide"
    kl: float = Field(ge=NEAREST, description="nats; nearer to pi_ref all curves coincide by construction")
    margin: float = Field(default=0.1, gt=0, description="gold standard deviations")


class HigherAtClaim(_TwoMethodsClaim):
    """At the declared KL gold is higher than with `than`."""

    kind: Literal["higher_at"] = "higher_at"


class BetterClassifierClaim(_TwoMethodsClaim):
    """The policy orders more held-out pairs rightly than that of `than` and has less gold, at the last shared KL.

    That is the last budget, up to the declared KL, which every replicate of both passes.
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

"""Claims: what a suite says beforehand that its curves will show. Few, each with one number at its end."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from bench.config.base import Config
from bench.config.methods import MethodConfig

Judge = Literal["gold", "writers", "users"]
"""Gold, the rubric as gold was taught it, and the rubric as its plain sum of parts."""


class _CellClaim(Config):
    """A claim about the replicates of one setting of one method."""

    name: str = Field(min_length=1)
    method: str
    proxy: str | None = Field(default=None, description="the method's first when absent")
    beta: float | None = Field(default=None, ge=0, description="the method's smallest when absent")
    kl: float = Field(gt=0, description="nats; where the end of the curve is read, declared in advance")

    def settings(self, method: MethodConfig) -> list[tuple[str, float | None]]:
        """The (proxy, beta) pairs of `method` that the claim rests on."""
        return [(proxy, self._beta(method, proxy)) for proxy in self._proxies(method)]

    def _proxies(self, method: MethodConfig) -> tuple[str, ...]:
        return (self.proxy or method.proxy[0],)

    def _beta(self, method: MethodConfig, proxy: str) -> float | None:
        betas = method.betas(proxy)
        return betas[0] if betas == (None,) else self.beta if self.beta is not None else min(b or 0.0 for b in betas)


class HumpClaim(_CellClaim):
    """Gold rises and then falls by the declared KL, while the proxy keeps rising."""

    kind: Literal["hump"] = "hump"


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

    def _proxies(self, method: MethodConfig) -> tuple[str, ...]:
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


ClaimConfig = Annotated[
    HumpClaim | NoFallClaim | FallWithoutRiseClaim | HigherPeakClaim | EarlierPeakClaim, Field(discriminator="kind")
]

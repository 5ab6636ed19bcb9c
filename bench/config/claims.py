"""Claims: what a suite says beforehand that its curves will show. Few, each with one number at its end."""

from typing import Annotated, Literal

from pydantic import Field

from bench.config.base import Config
from bench.config.methods import MethodConfig


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


ClaimConfig = Annotated[HumpClaim | NoFallClaim | FallWithoutRiseClaim | HigherPeakClaim, Field(discriminator="kind")]

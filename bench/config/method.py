"""Fields shared by all methods' configurations: settings of one run, inputs, names, and the sweep over them.

A method is one file (`bench/methods/`) with a `MethodConfig`; `bench.config.registry` lists it. A suite writes the same
settings with lists for `proxy` and `beta`; `sweep_of` makes that class, and `Sweep.run` gives the settings of one run.
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, create_model, model_validator

from bench.config.base import Config
from bench.config.models import Source

GOLD = "gold"  # a proxy name: optimise gold itself, the control

Betas = Annotated[tuple[Annotated[float, Field(ge=0)], ...], Field(min_length=1)]


@dataclass(frozen=True)
class Needs:
    """Inputs of a method's training besides the policy, its prompts and a seed.

    `score` is the proxy's calibrated reward; `labeller` is gold, metered; `pairs` are stored pairs by that source
    (`suite`: the pairs that the suite configures); `replay` is the method whose pairs are trained on again.
    """

    score: bool = False
    labeller: bool = False
    pairs: Source | Literal["suite"] | None = None
    replay: str | None = None


class MethodConfig(Config):
    """Settings of one run of a method. Every value is a scalar; names of methods and proxies enter no key."""

    type: str
    proxy: str = "policy_sized"

    betas: ClassVar[tuple[float, ...]] = ()
    """Default KL coefficients of a sweep; empty where a method has none."""
    one_proxy: ClassVar[bool] = False
    """True if a sweep may name only one proxy."""
    stage: ClassVar[Literal["train", "bon", "null"]] = "train"
    """Origin of its rows: training and measuring, best-of-n over the pool, or repeated measurements of pi_ref."""

    @classmethod
    def sweep(cls, **values: Any) -> Any:
        """The suite's form of this method: `PPOConfig.sweep(beta=[0, .1])`."""
        return sweep_of(cls)(**values)

    @abstractmethod
    def identity(self) -> Mapping[str, str | None]:
        """The columns `sampler` and `loss` of its rows."""

    @property
    def known_as(self) -> str:
        """The literature's name for these settings. It names random streams: suites' names must not enter."""
        return self.type

    @property
    def margin_loss(self) -> str | None:
        """The name of f, where its loss is f(beta * rho)."""
        return None

    @property
    def draws_pairs(self) -> bool:
        """True if it draws fresh pairs, which another method may replay."""
        return False

    @property
    def per_step(self) -> Mapping[str, int]:
        """Rows that one step takes: of `rl`, prompts that are not the monitor's; of `pairs`, stored pairs."""
        return {}

    def needs(self) -> Needs:
        """The inputs of its training."""
        return Needs()

    def cost(self, pairs: int) -> tuple[int, float]:
        """A guess for scheduling: samples that training reads, and seconds a sample on one core."""
        return 0, 0.0

    def settings(self) -> dict[str, Any]:
        """The settings that enter the key of its training. Names of proxies and of other methods do not."""
        return self.model_dump(mode="json", exclude={"proxy"})

    def build(self, inputs: Any) -> Any:
        """Build a `Method` (sampler, loss and length) from `bench.methods.base.MethodInputs`.

        Import torch here if needed: a method's module must not import it at its top.
        """
        raise NotImplementedError(f"{self.type} trains nothing")


class Sweep(Config):
    """Settings of a method in a suite: `proxy` and `beta` are lists, and every combination is run."""

    run_type: ClassVar[type[MethodConfig]]
    proxy: tuple[str, ...]

    @model_validator(mode="after")
    def _betas_are_of_its_proxies(self) -> "Sweep":
        for proxy in getattr(self, "beta_by_proxy", {}):
            if proxy not in self.proxy:
                raise ValueError(
                    f"beta_by_proxy names {proxy!r}, which is not a proxy of this method "
                    f"({', '.join(self.proxy)}); add it to proxy, or remove its betas"
                )
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by the method's class, since the sweep's class is made at run time."""
        return _rebuilt, (self.run_type, self.model_dump())

    def coefficients(self, proxy: str) -> tuple[float | None, ...]:
        """The betas of the runs against a proxy; (None,) where the method has no beta."""
        if not self.run_type.betas:
            return (None,)
        by_proxy: dict[str, tuple[float, ...]] = getattr(self, "beta_by_proxy", {})
        return tuple(by_proxy.get(proxy, getattr(self, "beta", ())))

    def run(self, proxy: str, beta: float | None) -> MethodConfig:
        """The settings of one run."""
        values = self.model_dump(exclude={"proxy", "beta", "beta_by_proxy"}) | {"proxy": proxy}
        return self.run_type.model_validate(values if beta is None else {**values, "beta": beta})


def _rebuilt(run_type: type[MethodConfig], values: dict[str, Any]) -> Any:
    return sweep_of(run_type).model_validate(values)


@cache
def sweep_of(run_type: type[MethodConfig]) -> type[Any]:
    """The suite's form of a method: the same fields, lists for `proxy` and `beta`, and `beta_by_proxy`."""
    default = run_type.model_fields["proxy"].default
    fields: dict[str, Any] = {
        "proxy": (
            tuple[str, ...],
            Field(
                default=(default,),
                min_length=1,
                max_length=1 if run_type.one_proxy else None,
                description=run_type.model_fields["proxy"].description,
            ),
        )
    }
    if run_type.betas:
        fields["beta"] = (Betas, run_type.betas)
        fields["beta_by_proxy"] = (
            dict[str, Betas],
            Field(default_factory=dict, description="other betas for some proxies"),
        )
    name = f"{run_type.__name__}Sweep"
    made: Any = create_model(name, __base__=(Sweep, run_type), __doc__=run_type.__doc__, **fields)
    made.run_type = run_type
    return made

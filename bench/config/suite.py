"""The suite holds everything that decides a run's numbers. `RuntimeConfig` holds the keys that do not."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from bench.config.base import Config
from bench.config.claims import ClaimConfig, EarlierPeakClaim
from bench.config.evaluation import EvaluationConfig, PoolConfig
from bench.config.method import GOLD, sweep_of
from bench.config.models import GoldConfig, PairsConfig, ReferenceConfig, SFTConfig, TrainedGoldConfig
from bench.config.registry import registered, union_of
from bench.config.sizes import refute
from bench.errors import did_you_mean

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"  # of folders too, so nothing that leads elsewhere
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
DEFAULT_METHODS = {"ppo": "ppo", "dpo": "preference", "bon": "best_of_n"}

if TYPE_CHECKING:
    MethodSweep = Any
    WorldUnion = Any
    RewardUnion = Any
else:
    MethodSweep = union_of([sweep_of(method) for method in registered("methods")])
    WorldUnion = union_of(registered("worlds"))
    RewardUnion = union_of(registered("rewards"))


class SuiteConfig(Config):
    """One benchmark: a world, its models, the methods compared on it and how they are measured."""

    name: str = Field(pattern=NAME)
    title: str = ""
    scale: str = Field(default="", pattern=f"^$|{NAME}", description="the size, one of its file's; set by scale=NAME")
    world: WorldUnion = Field(default_factory=lambda: {"type": "notes"}, validate_default=True)
    sft: SFTConfig = SFTConfig()
    gold: GoldConfig = TrainedGoldConfig()
    reference: ReferenceConfig = ReferenceConfig()
    pairs: PairsConfig = PairsConfig()
    proxies: dict[str, RewardUnion] = Field(default_factory=lambda: {"policy_sized": {}}, validate_default=True)
    pool: PoolConfig = PoolConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    budgets: tuple[float, ...] = Field(default=(0.25, 0.5, 1, 2, 4, 8, 16, 32), min_length=1)
    replicates: int = Field(default=1, ge=1, description="of every cell")
    claim_replicates: int = Field(default=3, ge=1, description="least number, of cells that a claim needs")
    methods: tuple[str, ...] = Field(default=("ppo", "dpo", "bon"), min_length=1)
    method: dict[str, MethodSweep] = Field(
        default_factory=lambda: {name: {"type": kind} for name, kind in DEFAULT_METHODS.items()},
        validate_default=True,
    )
    losses: dict[str, Sha256] = Field(default_factory=dict, description="a hash of each loss that is not built in")
    claims: tuple[ClaimConfig, ...] = ()

    @field_validator("proxies", mode="before")
    @classmethod
    def _bradley_terry_unless_named(cls, proxies: Any) -> Any:
        if not isinstance(proxies, dict):
            return proxies
        return {k: {"type": "bradley_terry", **v} if isinstance(v, dict) else v for k, v in proxies.items()}

    @property
    def label(self) -> str:
        """Its name, and its scale where it comes in several."""
        return f"{self.name}, scale {self.scale}" if self.scale else self.name

    @property
    def replayed(self) -> list[str]:
        """The methods whose fresh pairs a selected method trains on, in the order of the selected methods."""
        selected = [self.method[name] for name in self.methods]
        return list(dict.fromkeys(replay for c in selected if (replay := getattr(c, "replay", None)) is not None))

    @model_validator(mode="after")
    def _names_are_plain(self) -> "SuiteConfig":
        for kind, names in (("method", self.method), ("proxies", self.proxies)):
            for name in names:
                if not re.fullmatch(NAME, name) or "\n" in name:
                    raise ValueError(
                        f"{kind}: invalid name {name!r}; use at most 64 letters, digits, '.', '_' and '-', and begin "
                        "with a letter or a digit"
                    )
        return self

    @model_validator(mode="after")
    def _writers_exist(self) -> "SuiteConfig":
        for claim in self.claims:
            needs_writers = isinstance(claim, EarlierPeakClaim) and "writers" in (claim.judge, claim.than)
            if needs_writers and not self.gold.weights:
                raise ValueError(
                    f"claims: {claim.name!r} compares with the writers, whose rubric equals the users' unless "
                    "gold.weights is set; set gold.weights, or name the users"
                )
        return self

    @model_validator(mode="after")
    def _names_resolve(self) -> "SuiteConfig":
        for name in self.methods:
            if name not in self.method:
                raise ValueError(
                    f"methods: unknown method {name!r}; choose from {', '.join(self.method)}"
                    + did_you_mean(name, self.method)
                )
            choices = [*self.proxies, GOLD]
            for proxy in self.method[name].proxy:
                if proxy not in choices:
                    raise ValueError(
                        f"method.{name}.proxy: unknown proxy {proxy!r}; choose from {', '.join(choices)}"
                        + did_you_mean(proxy, choices)
                    )
            self._replay_resolves(name)
        for claim in self.claims:
            for name, _ in claim.methods:
                if name not in self.method:
                    raise ValueError(
                        f"claims: {claim.name!r} names an unknown method {name!r}; "
                        f"choose from {', '.join(self.method)}" + did_you_mean(name, self.method)
                    )
            for name, proxy, beta in claim.settings(self.method):
                if proxy not in self.method[name].proxy or beta not in self.method[name].coefficients(proxy):
                    raise ValueError(
                        f"claims: {claim.name!r} rests on {name} with proxy {proxy!r} and beta {beta}, which "
                        f"method.{name} does not run; add it there or change the claim"
                    )
        if GOLD in self.proxies:
            raise ValueError("proxies: 'gold' names gold itself; give the proxy another name")
        if list(self.budgets) != sorted(set(self.budgets)) or self.budgets[0] <= 0:
            raise ValueError(f"budgets {list(self.budgets)} must be positive and increasing (nats)")
        return self

    @model_validator(mode="after")
    def _sizes_fit(self) -> "SuiteConfig":
        refute(self)
        return self

    def _replay_resolves(self, name: str) -> None:
        """A replayed method must draw fresh pairs, at every beta at which they are trained on again."""
        config = self.method[name]
        if getattr(config, "replay", None) is None:
            return
        choices = [other for other, c in self.method.items() if c.draws_pairs]
        if config.replay not in choices:
            raise ValueError(
                f"method.{name}.replay: {config.replay!r} draws no fresh pairs; "
                f"choose from {', '.join(choices) or 'none'}" + did_you_mean(config.replay, choices)
            )
        drew = self.method[config.replay]
        if (config.proxy, config.batch) != (drew.proxy, drew.batch) or not set(config.beta) <= set(drew.beta):
            raise ValueError(
                f"method.{name}: replays {config.replay}, so it needs that method's proxy ({drew.proxy[0]}), its batch "
                f"({drew.batch}) and betas among {', '.join(f'{beta:g}' for beta in drew.beta)}"
            )


class RuntimeConfig(Config):
    """Where and how a run happens. None of it enters a stage's key, so none of it changes a number."""

    out: Path | None = Field(default=None, description="the run folder; runs/<suite>-<key> by default")
    store: Path | None = Field(
        default=None, description="where stages are kept; $GOLDBENCH_STORE by default, else .goldbench"
    )
    workers: int | None = Field(default=None, ge=1, description="processes; one for each core by default")
    threads: int = Field(default=1, ge=1, description="cores of each worker; part of every stage's key")
    plugin: Path | None = Field(default=None, description="a Python file of preference losses; methods name them")
    wandb: Literal["disabled", "offline", "online"] = Field(
        default="disabled", description="log to Weights & Biases, or into the run folder for `wandb sync`"
    )
    engine: Literal["torch"] = Field(default="torch", description="the library that trains and samples")
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="auto takes a GPU where there is one")

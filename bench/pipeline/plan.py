"""From a suite's config to its stages and cells. Describes work; runs nothing and imports no torch."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.config.methods import (
    BUILT_IN_LOSSES,
    GOLD,
    KNOWN_AS,
    BestOfNConfig,
    MethodConfig,
    PPOConfig,
    PreferenceConfig,
    ReferenceMethodConfig,
    ReinforceConfig,
    SFTMethodConfig,
)
from bench.config.models import SFTConfig, Source
from bench.config.suite import SuiteConfig
from bench.engine.scheduler import with_inputs
from bench.engine.stage import Stage
from bench.errors import ConfigError

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Cell:
    """One training run or best-of-n sweep of the plan."""

    name: str
    method: str
    stage: Stage
    static: Json  # the row columns that are known before it runs


@dataclass(frozen=True)
class Plan:
    """Everything a run needs, by human name."""

    suite: SuiteConfig
    stages: dict[str, Stage]
    cells: dict[str, Cell]


def plan_stages(plan: Plan) -> list[Stage]:
    """Every stage of a plan, inputs first, each key once."""
    return with_inputs([*plan.stages.values(), *(cell.stage for cell in plan.cells.values())])


@dataclass
class _Builder:
    suite: SuiteConfig
    threads: int
    stages: dict[str, Stage] = field(default_factory=dict)

    def stage(
        self, name: str, config: Json, expected_s: float, inputs: dict[str, Stage], *, isolated: bool = False
    ) -> Stage:
        """The stage of this name, made once. The part before the first slash is its kind and its module."""
        if name not in self.stages:
            kind = name.split("/")[0]
            self.stages[name] = Stage(
                kind=kind,
                name=name,
                run=f"bench.pipeline.{kind}",
                config=config,
                inputs=inputs,
                isolated=isolated,
                expected_s=expected_s,
                threads=self.threads,
            )
        if self.stages[name].config != config:
            raise ConfigError(f"two different stages would both be called {name!r}; give other names or betas")
        return self.stages[name]

    @property
    def limit(self) -> Json:
        return {"max_new_tokens": self.suite.sft.max_new_tokens}

    def world(self) -> Stage:
        return self.stage("world", dump(self.suite.world), 10, {})

    def sft(self, config: SFTConfig, name: str = "sft") -> Stage:
        return self.stage(name, dump(config), 0.15 * config.steps, {"world": self.world()}, isolated=True)

    def judges(self) -> dict[str, Stage]:
        """World, policy and gold: what every sampling stage takes."""
        config = {"gold": dump(self.suite.gold), "world": dump(self.suite.world)}
        gold = self.stage("gold", config, 0.4 * getattr(self.suite.gold, "steps", 0), {"world": self.world()})
        return {"world": self.world(), "sft": self.sft(self.suite.sft), "gold": gold}

    def reference(self) -> Stage:
        config = {
            **self.limit,
            "reference": dump(self.suite.reference),
            "select": max(self.suite.evaluation.select_prompts, self.suite.pool.select_prompts),
            "report": max(self.suite.evaluation.report_prompts, self.suite.pool.report_prompts),
        }
        return self.stage("reference", config, 15, self.judges())

    def pool(self) -> Stage:
        config = {**self.limit, "pool": dump(self.suite.pool)}
        samples = (self.suite.pool.report_prompts + self.suite.pool.select_prompts) * self.suite.pool.samples_per_prompt
        return self.stage("pool", config, 5 + samples / 400, self.judges())

    def pairs(self, replicate: int, source: Source | None = None) -> Stage:
        """The suite's own pairs, or as many whose responses another source wrote."""
        pairs = self.suite.pairs.model_copy(update={"source": source or self.suite.pairs.source})
        config = {**self.limit, "pairs": dump(pairs), "seed": replicate}
        inputs = {**self.judges(), "reference": self.reference()}
        of = "" if pairs == self.suite.pairs else f"{pairs.source}/"
        samples = pairs.n * (2 if pairs.source == "pi_ref" else 4)
        return self.stage(f"pairs/{of}r{replicate}", config, 5 + samples / 500, inputs)

    def proxy(self, name: str, replicate: int) -> Stage:
        config = self.suite.proxies[name]
        inputs = {"world": self.world(), "pairs": self.pairs(replicate), "reference": self.reference()}
        if config.init == "lm":
            same = config.model == self.suite.sft.model
            lm = self.suite.sft.model_copy(update={"model": config.model})
            inputs["lm"] = self.sft(self.suite.sft) if same else self.sft(lm, f"sft/{name}")
        expected = 10 + 0.002 * self.suite.pairs.n * config.epochs
        recipe = {"proxy": dump(config), "seed": replicate}
        if config.labels == "distilled":
            inputs |= self.judges()
            recipe |= self.limit
            expected = 10 + 2 * config.batch * config.steps * (S_PER_PLANNED["reinforce"] + S_PER_MEASURED)
        return self.stage(f"proxy/{name}/r{replicate}", recipe, expected, inputs, isolated=True)

    def cell(
        self, name: str, method: str, config: MethodConfig, proxy: str, replicate: int, beta: float | None
    ) -> Cell:
        static = {
            "cell": name,
            "method": method,
            **KINDS[config.type](config),
            "beta": beta,
            "proxy_id": GOLD if proxy == GOLD else f"{proxy}-r{replicate}",
            "replicate": replicate,
            "seed": replicate,
            "pairs_seed": replicate,
            "proxy_seed": None if proxy == GOLD else replicate,
        }
        inputs = {**self.judges(), "reference": self.reference(), "pairs": self.pairs(replicate)}
        if proxy != GOLD:
            inputs["proxy"] = self.proxy(proxy, replicate)
        measured: Json = {**self.limit, "static": static, "evaluation": dump(self.suite.evaluation)}
        match config:
            case BestOfNConfig():
                recipe: Json = {"static": static, "n": list(config.n)}
                stage = self.stage(f"bon/{name}", recipe, 30, {**inputs, "pool": self.pool()})
            case ReferenceMethodConfig():
                looks = {**measured, "looks": config.looks}
                stage = self.stage(f"null/{name}", looks, self.seconds_of_rows(config.looks), inputs)
            case _:
                method_config = dump(config, exclude={"beta", "beta_by_proxy", "proxy"})
                recipe = {**measured, "method": method_config, "beta": beta, "budgets": list(self.suite.budgets)}
                if method in self.suite.replayed:
                    recipe["record"] = True
                if isinstance(config, PreferenceConfig):
                    inputs |= self.other_pairs(config, proxy, replicate, beta)
                    recipe |= self.own_losses(method, config)
                stage = self.stage(f"cell/{name}", recipe, self.seconds_of_cell(config, proxy), inputs)
        return Cell(name, method, stage, static)

    def seconds_of_rows(self, rows: int) -> float:
        evaluation = self.suite.evaluation
        prompts = evaluation.report_prompts + evaluation.select_prompts
        return 5 + S_PER_MEASURED * rows * prompts * evaluation.samples_per_prompt

    def seconds_of_cell(
        self, config: PPOConfig | ReinforceConfig | PreferenceConfig | SFTMethodConfig, proxy: str
    ) -> float:
        """A guess, for the order of work and for who waits for it."""
        each = S_PER_PLANNED[config.type]
        if isinstance(config, SFTMethodConfig) or (
            isinstance(config, PreferenceConfig) and config.refresh_every == "never"
        ):
            samples = config.epochs * self.suite.pairs.n
        else:
            samples = config.steps * config.batch
            if isinstance(config, PreferenceConfig):  # both responses of a pair are drawn, too
                each += 2 * S_PER_PLANNED["reinforce"]
        if GOLD in (proxy, getattr(config, "labelled_by", None)):
            each += S_PER_MEASURED
        rows = self.suite.evaluation.rows_per_budget * len(self.suite.budgets)
        return self.seconds_of_rows(rows) + each * samples

    def other_pairs(self, config: PreferenceConfig, proxy: str, replicate: int, beta: float | None) -> dict[str, Stage]:
        """What a preference method is taught besides the suite's pairs: another source's, or another method's."""
        if config.replay is not None:
            drew = self.suite.method[config.replay]
            name = cell_name(config.replay, proxy, beta, replicate)
            return {"replayed": self.cell(name, config.replay, drew, proxy, replicate, beta).stage}
        if config.data is not None and config.data != self.suite.pairs.source:
            return {"data": self.pairs(replicate, config.data)}
        return {}

    def own_losses(self, method: str, config: PreferenceConfig) -> Json:
        """The hash of the loss that a cell uses, where it is not built in: other code is another cell."""
        if config.f in BUILT_IN_LOSSES:
            return {}
        if config.f not in self.suite.losses:
            raise ConfigError(f"method.{method}.f: {config.f!r} is no loss; legal: {', '.join(BUILT_IN_LOSSES)}")
        return {"losses": {config.f: self.suite.losses[config.f]}}

    def cells(self) -> Iterator[Cell]:
        claimed = {setting for claim in self.suite.claims for setting in claim.settings(self.suite.method)}
        for method in self.suite.methods:
            config = self.suite.method[method]
            for proxy in config.proxy:
                for beta in config.betas(proxy):
                    least = self.suite.claim_replicates if (method, proxy, beta) in claimed else 1
                    for replicate in range(max(self.suite.replicates, least)):
                        name = cell_name(method, proxy, beta, replicate)
                        yield self.cell(name, method, config, proxy, replicate, beta)


def cell_name(method: str, proxy: str, beta: float | None, replicate: int) -> str:
    """What a cell is called, in rows, in the store and on the screen."""
    return f"{method}-{proxy}{'' if beta is None else f'-b{beta:g}'}-r{replicate}"


def _preference_kind(config: PreferenceConfig) -> dict[str, str]:
    every = config.refresh_every
    sampler = "offline" if every == "never" else "online" if every == 1 else f"iterative{every}"
    if config.replay is not None:
        sampler = "replay" if config.order == "recorded" else "replay_shuffled"
    return {"sampler": sampler, "loss": f"{config.f}_{config.noise_model}" if config.label_smoothing else config.f}


KINDS: dict[str, Callable[[Any], Mapping[str, str | None]]] = {
    "ppo": lambda config: {"sampler": "on_policy", "loss": "ppo"},
    "reinforce": lambda config: {"sampler": "on_policy", "loss": KNOWN_AS[config.advantage]},
    "preference": _preference_kind,
    "sft": lambda config: {"sampler": "offline", "loss": f"sft_{config.target}"},
    "best_of_n": lambda config: {"sampler": "pool", "loss": None},
    "reference": lambda config: {"sampler": None, "loss": None},
}
"""The sampler and loss that a row names, by the method config's type."""


S_PER_PLANNED = {"ppo": 2.5e-3, "reinforce": 2e-3, "preference": 1e-3, "sft": 5e-4}
S_PER_MEASURED = 4e-3
"""Seconds a sample on one core at the default sizes: of training, by the method config's type, where most cells end
before all that was planned is drawn (they pass their last budget, or settle); and of measuring."""


def dump(config: Any, **options: Any) -> Json:
    """A config as plain JSON values."""
    return config.model_dump(mode="json", **options)


def build_plan(suite: SuiteConfig, threads: int) -> Plan:
    """Every stage and cell of a suite, in a fixed order."""
    builder = _Builder(suite, threads)
    cells = {cell.name: cell for cell in builder.cells()}
    return Plan(suite, builder.stages, cells)

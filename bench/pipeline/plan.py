"""From a suite's config to its stages and cells. Describes work; runs nothing and imports no torch."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bench.config.method import GOLD, MethodConfig
from bench.config.suite import SuiteConfig
from bench.engine.scheduler import with_inputs
from bench.engine.stage import Stage
from bench.errors import ConfigError
from bench.pipeline.chain import Chain
from bench.pipeline.names import cell_name


@dataclass(frozen=True)
class Cell:
    """One run of a method: its settings, the stage that makes its rows, and the stage that trains it, if any.

    `identity` holds the row columns that only the plan knows: names, seeds, sampler, loss and beta. They are in no
    stage, so renaming a method makes nothing anew.
    """

    name: str
    method: str
    stage: Stage
    identity: Mapping[str, Any]
    training: Stage | None = None


@dataclass(frozen=True)
class Plan:
    """Everything a run needs, by human name."""

    suite: SuiteConfig
    stages: dict[str, Stage]
    cells: dict[str, Cell]


def plan_stages(plan: Plan) -> list[Stage]:
    """Every stage of a plan, inputs first, each key once."""
    return with_inputs([*plan.stages.values(), *(cell.stage for cell in plan.cells.values())])


def build_plan(suite: SuiteConfig, threads: int) -> Plan:
    """Every stage and cell of a suite, in a fixed order."""
    chain = Chain(suite, threads)
    cells: dict[str, Cell] = {}
    for cell in _cells(chain):
        if cells.setdefault(cell.name, cell) is not cell:
            raise ConfigError(f"two different cells would both be called {cell.name!r}; change a name or a beta")
    return Plan(suite, chain.stages, cells)


def _cells(chain: Chain) -> Iterator[Cell]:
    suite = chain.suite
    claimed = {setting for claim in suite.claims for setting in claim.settings(suite.method)}
    for method in suite.methods:
        sweep = suite.method[method]
        for proxy in sweep.proxy:
            for beta in sweep.coefficients(proxy):
                least = suite.claim_replicates if (method, proxy, beta) in claimed else 1
                for replicate in range(max(suite.replicates, least)):
                    yield _cell(chain, method, sweep.run(proxy, beta), replicate)


def _cell(chain: Chain, method: str, settings: MethodConfig, replicate: int) -> Cell:
    beta, proxy = getattr(settings, "beta", None), settings.proxy
    name = cell_name(method, proxy, beta, replicate)
    identity = {
        "cell": name,
        "method": method,
        "method_type": settings.type,
        **settings.identity(),
        "beta": beta,
        "proxy_id": GOLD if proxy == GOLD else f"{proxy}-r{replicate}",
        "replicate": replicate,
        "seed": replicate,
        "pairs_seed": replicate,
        "proxy_seed": None if proxy == GOLD else replicate,
    }
    if settings.stage == "train":
        training = chain.train(name, method, settings, replicate)
        return Cell(name, method, chain.measure(name, settings, replicate, training), identity, training)
    stage = chain.best_of_n if settings.stage == "bon" else chain.null
    return Cell(name, method, stage(name, settings, replicate), identity)

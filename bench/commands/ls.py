"""What `bench plan` and `bench ls` print."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import get_args

from rich.console import Console
from rich.table import Table

from bench.config.base import Config
from bench.config.load import load_suite, scale_names, suite_names
from bench.config.method import registered
from bench.config.models import GoldConfig
from bench.config.plugins import functions, offers
from bench.config.registry import BUILT_IN_LOSSES
from bench.config.suite import RuntimeConfig, SuiteConfig
from bench.engine.display import duration
from bench.engine.files import read_json
from bench.engine.scheduler import expected_seconds, needed_stages, remaining_chains, worker_count
from bench.engine.stage import Stage
from bench.engine.store import Store
from bench.pipeline.plan import build_plan, plan_stages


def show_plan(suite: SuiteConfig, runtime: RuntimeConfig) -> None:
    """Every stage, cells last, with what is cached and how long the rest should take."""
    assert runtime.store is not None
    plan, store = build_plan(suite, runtime.threads), Store(runtime.store)
    needed = needed_stages(plan, store)
    seconds = expected_seconds(needed, store)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("stage", "key", "state"):
        table.add_column(title, no_wrap=True)
    table.add_column("expected", justify="right")
    for stage in plan_stages(plan):
        state, expected = _state(stage, store, seconds)
        table.add_row(stage.name, stage.key[:8], state, expected)
    Console().print(table)
    workers = worker_count(runtime)
    made = f"{len(plan.cells)} cells, {len(needed)} of {len(plan_stages(plan))} stages to make"
    took = f"{duration(total_seconds(needed, seconds, workers))} on {workers} workers"
    print(f"suite {suite.label}: {made}, expected to take {took} ({duration(sum(seconds.values()))} of work)")
    print(f"run folder {runtime.out}, store {runtime.store}")


def total_seconds(needed: Iterable[Stage], seconds: dict[str, float], workers: int) -> float:
    """A lower estimate of the whole: the longest chain, or all work shared evenly."""
    chains = remaining_chains(needed, seconds)
    return max(max(chains.values(), default=0.0), sum(seconds.values()) / workers)


def _state(stage: Stage, store: Store, seconds: dict[str, float]) -> tuple[str, str]:
    if store.is_done(stage):
        return "cached", f"({duration(store.manifest(stage)['wall_s'])})"
    if stage.key not in seconds:
        return "not needed", ""
    return ("resumes" if store.work(stage).exists() else "to make"), duration(seconds[stage.key])


def _suites() -> list[str]:
    return [f"{name}  {load_suite(name).title}{_scales(name)}" for name in suite_names()]


def _scales(suite: str) -> str:
    names = scale_names(suite)
    return f"  scale={'|'.join(names)}, {names[0]} unless told" if names else ""


def _configs(classes: Iterable[type[Config]]) -> list[str]:
    """One line a config class: its type and the first sentence of its docstring."""
    return [f"{c.model_fields['type'].default}  {(c.__doc__ or '').strip().splitlines()[0]}" for c in classes]


def _runs() -> list[str]:
    lines = []
    for path in sorted(Path("runs").glob("*/run.json")):
        try:
            run = read_json(path)
            failed = f", {len(run['failures'])} failed stages" if run["failures"] else ""
            lines.append(f"{path.parent}  {run['state']}{failed}, {run['updated']}")
        except (ValueError, LookupError, TypeError):
            lines.append(f"{path.parent}  its run.json cannot be read; give the run's command again, which renews it")
    return lines


def _losses(plugin: Path | None) -> list[str]:
    """Every f of a preference method with the first line that its source says of it; read, not imported."""
    margin = Path(__file__).parents[1] / "losses" / "margin"
    said = {name: functions(margin / f"{name}.py")[name] for name in BUILT_IN_LOSSES}
    said |= {name: f"{offer.summary} ({offer.origin})".strip() for name, offer in offers(plugin).items()}
    return [f"  f={name}  {text}" for name, text in said.items()]


LISTS: dict[str, Callable[[Path | None], list[str]]] = {
    "suites": lambda plugin: _suites(),
    "worlds": lambda plugin: _configs(registered("worlds")),
    "golds": lambda plugin: _configs(get_args(get_args(GoldConfig)[0])),
    "methods": lambda plugin: [*_configs(registered("methods")), "losses of preference:", *_losses(plugin)],
    "runs": lambda plugin: _runs(),
}

"""Sizes that a suite alone can refute: settings that take more prompts, pairs or samples than it makes.

`SuiteConfig` calls `refute` as it is read, so no command plans what cannot run. Each ValueError names the number that
would do.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.config.suite import SuiteConfig


def refute(suite: "SuiteConfig") -> None:
    """Raise ValueError for the first setting that takes more than there is."""
    splits: dict[str, int] = suite.world.splits.model_dump()
    for split, key, count in _prompts(suite):
        if count > splits[split]:
            raise ValueError(
                f"{key} = {count} is more than the {splits[split]} prompts of the split {split!r}; "
                f"set world.splits.{split} to at least {count}, or lower it"
            )
    for key, count, limit, most in _rows(suite):
        if count > most:
            raise ValueError(f"{key} = {count} is more than {limit} = {most}; use at most {most}, or raise {limit}")


def _prompts(suite: "SuiteConfig") -> Iterator[tuple[str, str, int]]:
    """(split, what is taken from it, number)."""
    evaluation, pool, pairs, gold = suite.evaluation, suite.pool, suite.pairs, suite.gold
    yield "sft", "sft.batch", suite.sft.batch
    if gold.type == "trained":
        yield "gold", f"gold.prompts + {gold.audit_prompts} of its audit", gold.prompts + gold.audit_prompts
    yield "pairs", "pairs.n + pairs.held_out", pairs.n + pairs.held_out
    yield "rl", "reference.prompts", suite.reference.prompts
    yield "rl", "evaluation.monitor_prompts + 1", evaluation.monitor_prompts + 1
    for name in suite.methods:
        taken = suite.method[name].per_step.get("rl", 0)
        yield "rl", f"evaluation.monitor_prompts + prompts a step of method.{name}", evaluation.monitor_prompts + taken
    for split in ("report", "select"):
        yield split, f"evaluation.{split}_prompts", getattr(evaluation, f"{split}_prompts")
        yield split, f"pool.{split}_prompts", getattr(pool, f"{split}_prompts")


def _rows(suite: "SuiteConfig") -> Iterator[tuple[str, int, str, int]]:
    """(setting, its value, the setting that limits it, that one's value)."""
    pairs = suite.pairs
    yield "evaluation.probe_pairs", suite.evaluation.probe_pairs, "pairs.held_out", pairs.held_out
    for name, proxy in suite.proxies.items():
        limit = "pairs.n" if proxy.pairs is None else f"proxies.{name}.pairs"
        yield f"proxies.{name}.pairs", proxy.pairs or 0, "pairs.n", pairs.n
        yield f"proxies.{name}.batch", proxy.per_step.get("pairs", 0), limit, proxy.pairs or pairs.n
    for name in suite.methods:
        method = suite.method[name]
        yield f"method.{name}.batch", method.per_step.get("pairs", 0), "pairs.n", pairs.n
        most = max(getattr(method, "n", ()), default=0)
        yield f"method.{name}.n", most, "pool.samples_per_prompt", suite.pool.samples_per_prompt

"""The chain of stages: world, sft, gold, reference, pairs, proxy, training, measuring, best-of-n. No torch.

Settings of how policies are measured are in the configs of measuring stages alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.config import registry
from bench.config.evaluation import MEASURED, MONITORED
from bench.config.method import GOLD, MethodConfig
from bench.config.models import SFTConfig, Source
from bench.config.suite import SuiteConfig
from bench.engine.stage import Gate, Stage
from bench.errors import ConfigError
from bench.pipeline.names import cell_name, evaluation_stream

Json = Mapping[str, Any]

WEAK_GOLD = (
    "gold follows its rubric too little on pi_ref samples (train it longer, gold.steps, or enlarge it, gold.model)"
)

S_PER_MEASURED = 4e-3
"""Seconds a sample of measuring, on one core at the default sizes."""


def dump(config: Any, **options: Any) -> Json:
    """A config as plain JSON values."""
    return config.model_dump(mode="json", **options)


@dataclass
class Chain:
    """Stages of a suite by name, each made once."""

    suite: SuiteConfig
    threads: int
    stages: dict[str, Stage] = field(default_factory=dict)

    def stage(
        self,
        name: str,
        config: Json,
        expected_s: float,
        inputs: dict[str, Stage],
        **how: Any,
    ) -> Stage:
        """The stage of this name. The part before the first slash is its kind and its module.

        `how` are further fields of `Stage`: parts, isolated, partial_input, gate.
        """
        if name not in self.stages:
            kind = name.split("/")[0]
            self.stages[name] = Stage(
                kind=kind,
                name=name,
                run=f"bench.pipeline.{kind}",
                config=config,
                inputs=inputs,
                expected_s=expected_s,
                threads=self.threads,
                **how,
            )
        if self.stages[name].config != config:
            raise ConfigError(f"two different stages would both be called {name!r}; change a name or a beta")
        return self.stages[name]

    @property
    def limit(self) -> Json:
        return {"max_new_tokens": self.suite.sft.max_new_tokens}

    @property
    def world_part(self) -> Mapping[str, str]:
        return {"world": registry.part("worlds", self.suite.world.type)}

    @property
    def rubric_part(self) -> Mapping[str, str]:
        return {"rubric": self.suite.world.rubric}

    def world(self) -> Stage:
        return self.stage("world", dump(self.suite.world), 10, {}, parts=self.world_part)

    def sft(self, config: SFTConfig, name: str = "sft") -> Stage:
        return self.stage(name, dump(config), 0.15 * config.steps, {"world": self.world()}, isolated=True)

    def gold(self) -> Stage:
        config = {"gold": dump(self.suite.gold), "world": dump(self.suite.world)}
        seconds, parts = 0.4 * getattr(self.suite.gold, "steps", 0), {**self.world_part, **self.rubric_part}
        return self.stage("gold", config, seconds, {"world": self.world()}, parts=parts)

    def scored_samples(self) -> dict[str, Stage]:
        """World, policy and gold: the inputs of every stage that samples pi_ref and scores by gold."""
        return {"world": self.world(), "sft": self.sft(self.suite.sft), "gold": self.gold()}

    def units(self) -> Stage:
        """The pi_ref pool that fixes gold's unit, for labels and betas: of prompts of training's side alone."""
        sizes = self.suite.reference
        gate = Gate(("gold_writers_corr", "gold_rubric_corr"), sizes.min_gold_rubric_corr, WEAK_GOLD)
        return self._reference("units", {"rl": sizes.prompts}, sizes.samples_per_prompt, gate)

    def reference(self) -> Stage:
        """The pi_ref pool that centres scores: of every prompt that anything is measured on."""
        evaluation, pool = self.suite.evaluation, self.suite.pool
        sizes = {split: f"{split}_prompts" for split in ("select", "report")}
        prompts = {split: max(getattr(evaluation, name), getattr(pool, name)) for split, name in sizes.items()}
        return self._reference("reference", prompts, evaluation.reference_samples)

    def _reference(self, name: str, prompts: Mapping[str, int], samples: int, gate: Gate | None = None) -> Stage:
        config = {**self.limit, "prompts": dict(prompts), "samples_per_prompt": samples}
        return self.stage(name, config, 15, self.scored_samples(), parts=self.rubric_part, gate=gate)

    def pool(self) -> Stage:
        pool = self.suite.pool
        samples = (pool.report_prompts + pool.select_prompts) * pool.samples_per_prompt
        config = {**self.limit, "pool": dump(pool)}
        return self.stage("pool", config, 5 + samples / 400, self.scored_samples(), parts=self.rubric_part)

    def pairs(self, replicate: int, source: Source | None = None) -> Stage:
        """The suite's pairs, or as many whose responses another source wrote."""
        pairs = self.suite.pairs.model_copy(update={"source": source or self.suite.pairs.source})
        config = {**self.limit, "pairs": dump(pairs), "seed": replicate}
        inputs = {**self.scored_samples(), "units": self.units()}
        of = "" if pairs == self.suite.pairs else f"{pairs.source}/"
        samples = pairs.n * (2 if pairs.source == "pi_ref" else 4)
        return self.stage(f"pairs/{of}r{replicate}", config, 5 + samples / 500, inputs, parts=self.rubric_part)

    def reward_part(self, proxy: str) -> Mapping[str, str]:
        """The reward's class, for stages that load a proxy; none for gold."""
        return {} if proxy == GOLD else {"reward": registry.part("rewards", self.suite.proxies[proxy].type)}

    def proxy(self, name: str, replicate: int) -> Stage:
        config = self.suite.proxies[name]
        inputs = {"world": self.world(), "pairs": self.pairs(replicate), "units": self.units()}
        if config.lm is not None:
            same = config.lm == self.suite.sft.model
            lm = self.suite.sft.model_copy(update={"model": config.lm})
            inputs["lm"] = self.sft(self.suite.sft) if same else self.sft(lm, f"sft/{name}")
        fit, parts = {"proxy": dump(config), "seed": replicate}, self.reward_part(name)
        if config.needs_gold:
            inputs |= self.scored_samples()
            fit |= self.limit
            parts = {**parts, **self.rubric_part}
        expected = config.seconds(self.suite.pairs.n)
        return self.stage(f"proxy/{name}/r{replicate}", fit, expected, inputs, isolated=True, parts=parts)

    def train(self, name: str, method: str, settings: MethodConfig, replicate: int) -> Stage:
        """Training: reads what the method needs and nothing else."""
        needs = settings.needs()
        inputs = {"world": self.world(), "sft": self.sft(self.suite.sft)}
        if needs.score or needs.labeller:
            inputs["units"] = self.units()
        if needs.labeller or (needs.score and settings.proxy == GOLD):
            inputs["gold"] = self.gold()
        if needs.score and settings.proxy != GOLD:
            inputs["proxy"] = self.proxy(settings.proxy, replicate)
        if needs.pairs is not None:
            inputs["pairs"] = self.training_pairs(settings, replicate)
        if needs.replay is not None:
            inputs["replayed"] = self.replayed(needs.replay, settings, replicate)
        config: dict[str, Any] = {
            **self.limit,
            "method": settings.settings(),
            "seed": replicate,
            "monitor": dump(self.suite.evaluation, include=MONITORED),
            "budgets": list(self.suite.budgets),
        }
        if method in self.suite.replayed:
            config["record"] = True
        parts = {"method": registry.part("methods", settings.type)}
        if "gold" in inputs:
            parts |= self.rubric_part
        if "proxy" in inputs:
            parts |= self.reward_part(settings.proxy)
        if settings.margin_loss in registry.BUILT_IN_LOSSES:
            parts["loss"] = registry.part("losses", str(settings.margin_loss))
        elif settings.margin_loss is not None:
            config["losses"] = {settings.margin_loss: self._own_loss(method, settings.margin_loss)}
        return self.stage(f"train/{name}", config, self._seconds_of_training(settings), inputs, parts=parts)

    def _own_loss(self, method: str, f: str) -> str:
        """The hash of a loss that is not built in: other code is another run."""
        if f not in self.suite.losses:
            known = ", ".join(registry.BUILT_IN_LOSSES)
            raise ConfigError(f"method.{method}.f: unknown loss {f!r}; choose from {known}, or give plugin=FILE.py")
        return self.suite.losses[f]

    def training_pairs(self, settings: MethodConfig, replicate: int) -> Stage:
        """The stored pairs that a method trains on; the suite's where it trains on none."""
        source = settings.needs().pairs
        return self.pairs(replicate, None if source in (None, "suite") else source)  # type: ignore[arg-type]

    def replayed(self, method: str, settings: MethodConfig, replicate: int) -> Stage:
        """The training of another method of the suite, against the same proxy and at the same beta."""
        beta = getattr(settings, "beta", None)
        source = self.suite.method[method].run(settings.proxy, beta)
        return self.train(cell_name(method, settings.proxy, beta, replicate), method, source, replicate)

    def measure(self, name: str, settings: MethodConfig, replicate: int, training: Stage) -> Stage:
        """Rows of the policies that a training saved."""
        rows = self.suite.evaluation.rows_per_budget * len(self.suite.budgets)
        inputs = {**self._measuring(settings, replicate), "train": training}
        config, expected = self._measured(settings, replicate), self._seconds_of_rows(rows)
        parts = {**self.rubric_part, **self.reward_part(settings.proxy)}
        return self.stage(f"measure/{name}", config, expected, inputs, parts=parts, partial_input="train")

    def null(self, name: str, settings: Any, replicate: int) -> Stage:
        """Rows of pi_ref, measured again and again."""
        config = {**self._measured(settings, replicate), "evaluations": settings.evaluations}
        inputs = self._measuring(settings, replicate)
        expected = self._seconds_of_rows(settings.evaluations)
        parts = {**self.rubric_part, **self.reward_part(settings.proxy)}
        return self.stage(f"null/{name}", config, expected, inputs, parts=parts)

    def best_of_n(self, name: str, settings: Any, replicate: int) -> Stage:
        """Rows of best-of-n over the pool."""
        inputs = {**self._measuring(settings, replicate), "pool": self.pool()}
        parts = {**self.rubric_part, **self.reward_part(settings.proxy)}
        return self.stage(f"bon/{name}", {"n": list(settings.n)}, 30, inputs, parts=parts)

    def _measuring(self, settings: MethodConfig, replicate: int) -> dict[str, Stage]:
        """The inputs of every stage that makes rows."""
        inputs = {**self.scored_samples(), "reference": self.reference(), "units": self.units()}
        inputs["pairs"] = self.pairs(replicate)
        if (data := self.training_pairs(settings, replicate)) != inputs["pairs"]:
            inputs["data"] = data
        if settings.proxy != GOLD:
            inputs["proxy"] = self.proxy(settings.proxy, replicate)
        return inputs

    def _measured(self, settings: MethodConfig, replicate: int) -> dict[str, Any]:
        evaluation = dump(self.suite.evaluation, include=MEASURED)
        return {
            **self.limit,
            "evaluation": evaluation,
            "stream": evaluation_stream(self.suite, settings, replicate),
            "seed": replicate,
        }

    def _seconds_of_rows(self, rows: int) -> float:
        evaluation = self.suite.evaluation
        prompts = evaluation.report_prompts + evaluation.select_prompts
        return 5 + S_PER_MEASURED * rows * prompts * evaluation.samples_per_prompt

    def _seconds_of_training(self, settings: MethodConfig) -> float:
        """A guess: most runs end before all planned samples are drawn."""
        samples, each = settings.cost(self.suite.pairs.n)
        by_gold = settings.needs().labeller or (settings.needs().score and settings.proxy == GOLD)
        return 5 + samples * (each + (S_PER_MEASURED if by_gold else 0.0))

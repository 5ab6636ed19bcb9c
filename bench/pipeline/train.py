"""Stage `train`: one run of a method, followed by the KL monitor. It keeps policies for later measurement."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from torch import Tensor

from bench.config.evaluation import MonitorConfig
from bench.config.method import Needs
from bench.core.records import read_parquet, write_parquet
from bench.core.types import Score, Sequences
from bench.engine.plugin import plugin_file
from bench.engine.stage import Context
from bench.errors import DivergedError
from bench.lm.codec import encode_prompts
from bench.lm.policy import TransformerPolicy, load_policy
from bench.losses.plugins import verified_losses
from bench.methods.base import Method, MethodInputs
from bench.pipeline.artifacts.pairs import PairsArtifact, pairs_of, table_of_pairs
from bench.pipeline.artifacts.proxy import ProxyArtifact
from bench.pipeline.artifacts.reference import ReferenceArtifact
from bench.pipeline.artifacts.training import TrainingArtifact
from bench.pipeline.artifacts.world import WorldArtifact
from bench.pipeline.scoring import gold_reward
from bench.rewards.labeller import Labeller
from bench.samplers.replay import Recorder
from bench.training.loop import Trainer
from bench.training.monitor import Monitor
from bench.training.track import LATEST, Track

RECORDED = "pairs.parquet"


def run(context: Context) -> Mapping[str, Any]:
    """Writes policies/<step>/, track.json, log.jsonl, and pairs.parquet if another method replays its pairs."""
    if not (context.folder / LATEST).exists():
        context.fresh()
    track, method, labeller = open_run(context)
    learner, monitor = track.learner, track.monitor
    track.begin()
    try:
        while learner.step < method.steps and not monitor.last_passed:
            if method.may_settle and monitor.settled(method.steps):
                break
            entry = learner.advance()
            if labeller is not None:
                labeller.charge(learner.counts)
            track.observe(entry)
        track.end()
    except DivergedError as error:  # a result, not a failure
        track.end("diverged", str(error))
    metrics = {"status": track.saved[-1].get("status", "ok"), "steps": learner.step, "policies": len(track.saved)}
    return {**metrics, "equal_pairs": learner.counts.equal_pairs}


def open_run(context: Context) -> tuple[Track, Method, Labeller | None]:
    """The learner with its monitor, the method, and gold as a labeller where the method needs one."""
    config, seed, device = context.config, int(context.config["seed"]), context.device
    words = WorldArtifact(context.inputs["world"])
    tokenizer = words.tokenizer()
    settings = MonitorConfig.model_validate(config["monitor"])
    prompts = words.prompts("rl")["prompt"].tolist()
    watched = settings.monitor_prompts
    reference = load_policy(context.inputs["sft"], device).requires_grad_(False)
    chosen = context.part("method").model_validate(config["method"])
    inputs = _inputs(context, chosen.needs(), reference, prompts[watched:])
    method: Method = chosen.build(inputs)
    recorder = Recorder(method.sampler) if config.get("record") else None
    policy = load_policy(context.inputs["sft"], device)
    trainer = Trainer(policy, recorder or method.sampler, method.loss, method.lr, method.max_grad_norm, seed)
    monitor = Monitor(
        encode_prompts(tokenizer, prompts[:watched]).to(device),
        reference,
        settings,
        tuple(config["budgets"]),
        inputs.max_new_tokens,
        inputs.eos_id,
        inputs.pad_id,
        seed,
    )
    recording = _Recording(recorder, lambda pairs: table_of_pairs(pairs, tokenizer))
    track = Track(
        trainer,
        monitor,
        context.folder,
        lambda event: context.report({"steps": method.steps, **event}),
        recording.save,
        recording.load,
    )
    return track, method, inputs.labeller


class _Recording:
    """The fresh pairs of a run that another one replays, kept with each checkpoint."""

    def __init__(self, recorder: Recorder | None, table: Callable[[Any], pd.DataFrame]) -> None:
        self.recorder, self.table = recorder, table
        self.parts: list[pd.DataFrame] = []

    def save(self, folder: Path) -> None:
        if self.recorder is not None:
            self.parts += [self.table(pairs) for pairs in self.recorder.taken()]
            write_parquet(pd.concat([pd.DataFrame(), *self.parts], ignore_index=True), folder / RECORDED)

    def load(self, folder: Path) -> None:
        if self.recorder is not None:
            self.parts = [read_parquet(folder / RECORDED)]


def _inputs(context: Context, needs: Needs, reference: TransformerPolicy, prompts: list[str]) -> MethodInputs:
    """The inputs that the method needs."""
    inputs, device = context.inputs, context.device
    tokenizer = WorldArtifact(inputs["world"]).tokenizer()
    gold = _gold_logits(context) if "gold" in inputs else None
    return MethodInputs(
        reference=reference,
        prompts=encode_prompts(tokenizer, prompts).to(device),
        score=_proxy_logits(context) if "proxy" in inputs else gold if needs.score and gold else _no_score,
        pairs=lambda: pairs_of(PairsArtifact(inputs["pairs"]).split("train"), tokenizer, device),
        replayed=lambda: pairs_of(TrainingArtifact(inputs["replayed"]).pairs(), tokenizer, device),
        max_new_tokens=int(context.config["max_new_tokens"]),
        eos_id=tokenizer.eos_token_id,
        pad_id=tokenizer.pad_token_id,
        seed=int(context.config["seed"]),
        labeller=Labeller(gold) if needs.labeller and gold else None,
        margin_loss=lambda name: _margin_loss(context, name),
    )


def _margin_loss(context: Context, name: str) -> Callable[[Tensor], Tensor]:
    """f by its name: a part of the stage where it is built in, else as the plugin file or a package defines it."""
    hashes = context.config.get("losses", {})
    return verified_losses(hashes, plugin_file())[name] if name in hashes else context.part("loss")


def _proxy_logits(context: Context) -> Score:
    proxy, units = (
        ProxyArtifact(context.inputs["proxy"], context.part("reward").load),
        ReferenceArtifact(context.inputs["units"]),
    )
    tokenizer = WorldArtifact(context.inputs["world"]).tokenizer()
    return proxy.reward(units, units, tokenizer, context.device).logits(proxy.pi_ref_mean())


def _gold_logits(context: Context) -> Score:
    units = ReferenceArtifact(context.inputs["units"])
    tokenizer = WorldArtifact(context.inputs["world"]).tokenizer()
    gold = gold_reward(context, units, units, tokenizer)
    return gold.logits(float(units.pool["gold_raw"].mean()))


def _no_score(sequences: Sequences) -> Any:
    raise KeyError("this method's needs() names no score; set score=True there")

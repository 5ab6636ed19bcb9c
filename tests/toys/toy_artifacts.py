"""Small artifacts of every stage below a cell, made by the real stages around random models: no training, no TRL."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import GPTNeoXForSequenceClassification

from bench.config.models import ModelConfig
from bench.config.suite import SuiteConfig
from bench.core.records import read_parquet, write_parquet
from bench.engine.files import write_json
from bench.engine.stage import Context, Stage, resolve
from bench.engine.store import MANIFEST
from bench.lm.codec import encode
from bench.lm.policy import TransformerPolicy, neox_config, new_lm
from bench.methods.ppo import PPOConfig
from bench.methods.preference import PreferenceConfig
from bench.pipeline.artifacts.world import WorldArtifact
from bench.pipeline.plan import Plan, build_plan
from bench.rewards.model import RewardModel

SIZE = ModelConfig(layers=1, width=16, heads=2)
SUITE = SuiteConfig.model_validate(
    {
        "name": "toy",
        "world": {
            "slots": 2,
            "splits": {"sft": 8, "gold": 8, "pairs": 64, "rl": 48, "select": 8, "report": 8},
        },
        "sft": {"model": SIZE, "batch": 8, "max_new_tokens": 8},
        "gold": {"type": "rubric"},
        "reference": {"prompts": 9, "samples_per_prompt": 8, "min_gold_rubric_corr": -1},
        "pairs": {"n": 32, "held_out": 16},
        "proxies": {"policy_sized": {"model": SIZE, "batch": 8}},
        "pool": {"report_prompts": 4, "select_prompts": 2, "samples_per_prompt": 32},
        "evaluation": {
            "report_prompts": 6,
            "select_prompts": 3,
            "samples_per_prompt": 2,
            "reference_samples": 8,
            "monitor_prompts": 8,
            "monitor_every": 1,
            "probe_pairs": 8,
        },
        "budgets": (0.001, 0.004, 10.0),
        "method": {
            "ppo": PPOConfig.sweep(beta=(0.01,), steps=12, batch=8, minibatch=4, lr=1e-3),
            "dpo": PreferenceConfig.sweep(beta=(0.1,), epochs=3, batch=8, lr=1e-3),
            "bon": {"type": "best_of_n", "n": (1, 2, 4, 32)},
        },
    }
)


def run_stage(plan: Plan, name: str, folders: Mapping[str, Path], folder: Path, **changes: Any) -> Mapping[str, Any]:
    """Run a stage of the plan in `folder`, with `changes` to its config; of a cell, by its name, both stages.

    A cell is trained in `folder/train`, unless it was, and measured in `folder`.
    """
    cell = plan.cells.get(name)
    if cell is None or cell.training is None:
        return _run(cell.stage if cell else plan.stages[name], folders, folder, changes)
    training = folder / "train"
    if not (training / MANIFEST).exists():
        _run(cell.training, folders, training, {k: v for k, v in changes.items() if k in cell.training.config})
        write_json(training / MANIFEST, {"config": cell.training.config})
    measured = {k: v for k, v in changes.items() if k in cell.stage.config}
    return _run(cell.stage, {**folders, cell.training.name: training}, folder, measured)


def _run(stage: Stage, folders: Mapping[str, Path], folder: Path, changes: Mapping[str, Any]) -> Mapping[str, Any]:
    inputs = {key: folders[needed.name] for key, needed in stage.inputs.items()}
    folder.mkdir(parents=True, exist_ok=True)
    config = {**stage.config, **changes}
    return resolve(stage.run)(Context(config, inputs, folder, "cpu", lambda event: None, stage.parts))


def random_sft(folder: Path, world: Path) -> None:
    """A policy of random weights, sharpened a little so that texts differ in probability."""
    model = new_lm(neox_config(SIZE, WorldArtifact(world).tokenizer(), 64), 0)
    with torch.no_grad():
        model.get_output_embeddings().weight *= 10
    TransformerPolicy(model).save(folder)


def random_proxy(folder: Path, folders: Mapping[str, Path]) -> None:
    """A proxy of random weights with what the proxy stage writes beside it."""
    tokenizer = WorldArtifact(folders["world"]).tokenizer()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = GPTNeoXForSequenceClassification(neox_config(SIZE, tokenizer, 64, num_labels=1)).eval()
    model.save_pretrained(folder)
    write_json(folder / "calibration.json", {"scale": 30.0, "pairs": 16})
    pool = read_parquet(folders["units"] / "samples.parquet")
    rows = encode(tokenizer, *(pool[c].tolist() for c in ("prompt", "response", "eos")))
    raw = RewardModel(model).score(rows).double().numpy()
    write_parquet(pool[["split", "prompt_id", "sample_id"]].assign(proxy_raw=raw), folder / "reference_scores.parquet")


def build(root: Path, suite: SuiteConfig = SUITE) -> tuple[Plan, dict[str, Path]]:
    """The plan of a toy suite, and a folder for each stage that its cells take."""
    plan = build_plan(suite, 1)
    folders = {name: root / name.replace("/", "_") for name in plan.stages}
    below = ("world", "sft", "gold", "units", "reference", "pairs/r0", "proxy/policy_sized/r0", "pool")
    for name in (name for name in below if name in folders):
        folder = folders[name]
        folder.mkdir(parents=True)
        if name == "sft":
            random_sft(folder, folders["world"])
        elif name.startswith("proxy"):
            random_proxy(folder, folders)
        else:
            run_stage(plan, name, folders, folder)
    return plan, folders

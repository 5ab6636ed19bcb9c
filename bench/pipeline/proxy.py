"""Stage `proxy`: a reward model fitted to the pairs, or to gold itself; calibrated and audited on held-out pairs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from bench.config.reward import RewardConfig
from bench.core.finite import demand_finite
from bench.core.records import read_parquet, write_parquet
from bench.core.seeds import np_stream
from bench.engine.files import read_json, write_json
from bench.engine.stage import Context
from bench.lm.codec import encode
from bench.lm.policy import load_policy
from bench.pipeline.artifacts.pairs import PairsArtifact
from bench.pipeline.artifacts.reference import ReferenceArtifact
from bench.pipeline.artifacts.world import WorldArtifact
from bench.rewards.base import FitInputs
from bench.rewards.units import GOLD_SD_LOGITS, calibration_scale, label_ce, within_prompt_corr, within_prompt_sd
from gold.model import load_gold

SIDES = {"chosen": "rejected", "rejected": "chosen"}


def permuted(pairs: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The pairs with each label replaced by a fair coin: a control whose labels carry no information."""
    swap = rng.random(len(pairs)) < 0.5
    table = pairs.copy()
    for column in ("{}", "{}_eos", "ref_{}_logp"):
        for side, other in SIDES.items():
            table[column.format(side)] = np.where(swap, pairs[column.format(other)], pairs[column.format(side)])
    return table


def run(context: Context) -> Mapping[str, Any]:
    """Writes the reward's folder, calibration.json and the pi_ref pool's raw scores."""
    config: RewardConfig = context.part("reward").model_validate(context.config["proxy"])
    seed = int(context.config["seed"])
    folder = context.fresh()
    world = WorldArtifact(context.inputs["world"])
    tokenizer = world.tokenizer()
    pairs = PairsArtifact(context.inputs["pairs"])
    train, held_out = pairs.split("train"), pairs.split("held_out")
    train = train if config.pairs is None else train.head(config.pairs)
    if config.says_nothing:
        train = permuted(train, np_stream("permuted", seed))
    inputs = FitInputs(train, tokenizer, seed, folder, context.device, context.report, context.inputs.get("lm"))
    metrics = config.fit(_with_gold(context, inputs) if config.needs_gold else inputs)
    scorer = config.load(folder, context.device)

    def scores(table: pd.DataFrame, side: str, ended: str) -> np.ndarray:
        rows = encode(tokenizer, table["prompt"].tolist(), table[side].tolist(), table[ended].tolist())
        score_B = scorer.score(rows.to(context.device))
        demand_finite("the proxy's score", score_B, "look at the fit of the proxy: lower its lr")
        return score_B.double().cpu().numpy()

    difference = scores(held_out, "chosen", "chosen_eos") - scores(held_out, "rejected", "rejected_eos")
    pool = read_parquet(context.inputs["units"] / "samples.parquet")
    raw = scores(pool, "response", "eos")
    own_sd = within_prompt_sd(raw, pool["prompt_id"].to_numpy(str))
    if config.says_nothing:
        # Its calibrated scale is 0 up to noise; give it gold's spread instead, so that it pushes as hard.
        scale = read_json(context.inputs["units"] / "units.json")["gold_sd"] / own_sd
    else:
        scale = calibration_scale(difference)
    write_json(folder / "calibration.json", {"scale": scale, "pairs": None if config.needs_gold else len(train)})
    if (folder / "config.json").is_file():  # a Hugging Face folder; a reward of another kind may be any file
        title = "A proxy, fitted to gold's labels"
        world.complete_reward(folder, title, _units(scale), scorer.score, context.device, config.loading)
    write_parquet(pool[["split", "prompt_id", "sample_id"]].assign(proxy_raw=raw), folder / "reference_scores.parquet")
    return {
        **metrics,
        **audit(difference, scale, held_out),
        "params": scorer.params,
        "gold_corr_pi_ref": within_prompt_corr(pool.assign(proxy_raw=raw), "proxy_raw", "gold_raw"),
        "sd_logits": scale * own_sd,
    }


def _units(scale: float) -> str:
    return (
        f"{scale!r} * (raw - c) / {GOLD_SD_LOGITS}, where c is the mean raw score of pi_ref's samples of the prompt\n  "
        "(for measured prompts those in samples.parquet of the stage `reference`)."
    )


def _with_gold(context: Context, inputs: FitInputs) -> FitInputs:
    """The inputs with gold in logits, pi_ref, and rl prompts, on whose samples no policy is measured."""
    world = WorldArtifact(context.inputs["world"])
    gold = load_gold(context.inputs["gold"], inputs.tokenizer, context.device, context.part("rubric"))
    scale = ReferenceArtifact(context.inputs["units"]).units["gold_scale"]
    return replace(
        inputs,
        gold=lambda samples: scale * gold(samples),
        policy=load_policy(context.inputs["sft"], context.device).requires_grad_(False),
        prompts=world.prompts("rl")["prompt"].tolist(),
        max_new_tokens=int(context.config["max_new_tokens"]),
    )


def audit(difference: np.ndarray, scale: float, held_out: pd.DataFrame) -> dict[str, float]:
    """Held-out accuracy and calibration of the proxy, beside the values that gold reaches on these labels."""
    gold = (held_out["gold_chosen_logits"] - held_out["gold_rejected_logits"]).to_numpy()
    p = 1 / (1 + np.exp(-scale * np.abs(difference)))
    right = (scale * difference > 0).astype(float)
    bins = pd.Series(right - p).groupby(np.minimum((p * 20).astype(int), 19))
    return {
        "held_out_accuracy": float((difference > 0).mean() + 0.5 * (difference == 0).mean()),
        "gold_accuracy": float((gold > 0).mean() + 0.5 * (gold == 0).mean()),
        "calibration_scale": scale,
        "held_out_ce": label_ce(scale, difference),
        "gold_ce": label_ce(1.0, gold),
        "calibration_error": float((bins.sum().abs()).sum() / len(p)),
    }

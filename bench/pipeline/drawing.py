"""Drawing pi_ref samples for the stages that need them: reference pool, pairs, best-of-n pool."""

import pandas as pd
import torch

from bench.core.finite import demand_finite
from bench.core.seeds import seed_of
from bench.core.types import Score
from bench.engine.stage import Context
from bench.lm.codec import decode, encode_prompts
from bench.lm.generate import generate_with_logps
from bench.lm.policy import load_policy
from bench.pipeline.artifacts.world import WorldArtifact

ROWS_AT_ONCE = 512
OF_GOLD = "neither a unit nor a label can be read from it: look at the stage gold"


def draw_reference(
    context: Context, prompts: pd.DataFrame, times: int, name: str, seed: int, score: Score
) -> pd.DataFrame:
    """`times` pi_ref samples of each prompt; copies of a prompt are adjacent.

    Adds to the prompts' columns sample_id, response, eos, n_tokens, logp (nats) and gold_raw, by `score`.
    """
    tokenizer = WorldArtifact(context.inputs["world"]).tokenizer()
    policy = load_policy(context.inputs["sft"], context.device)
    table = prompts.loc[prompts.index.repeat(times)].reset_index(drop=True)
    table.insert(2, "sample_id", list(range(times)) * len(prompts))
    columns: dict[str, list[object]] = {k: [] for k in ("response", "eos", "n_tokens", "logp", "gold_raw")}
    generator = torch.Generator(context.device).manual_seed(seed_of(name, seed))
    for start in range(0, len(table), ROWS_AT_ONCE):
        part = encode_prompts(tokenizer, table["prompt"].iloc[start : start + ROWS_AT_ONCE].tolist())
        samples, logps_BT = generate_with_logps(
            policy,
            part.to(context.device),
            int(context.config["max_new_tokens"]),
            tokenizer.eos_token_id,
            tokenizer.pad_token_id,
            generator,
        )
        texts, ended = decode(tokenizer, samples)
        columns["logp"] += logps_BT.double().sum(1).tolist()
        columns["response"] += texts
        columns["eos"] += ended
        columns["n_tokens"] += samples.lengths.tolist()
        gold_B = score(samples)
        demand_finite("gold's score of a pi_ref sample", gold_B, OF_GOLD)
        columns["gold_raw"] += gold_B.double().tolist()
        context.report({"step": start + len(texts), "steps": len(table), "status": "pi_ref samples"})
    return table.assign(**columns)

"""Stage `sft`: a causal LM on the demonstrations. The policy's start, pi_ref, and where proxies begin."""

from collections.abc import Mapping
from typing import Any

from bench.config.models import SFTConfig
from bench.core.records import read_parquet
from bench.engine.stage import Context
from bench.lm.sft import fit_sft
from bench.pipeline.artifacts.world import WorldArtifact


def run(context: Context) -> Mapping[str, Any]:
    """Writes a Hugging Face causal LM folder."""
    config = SFTConfig.model_validate(context.config)
    world = context.inputs["world"]
    demonstrations = read_parquet(world / "demonstrations.parquet")
    return fit_sft(
        config,
        WorldArtifact(world).tokenizer(),
        demonstrations["prompt"].tolist(),
        demonstrations["response"].tolist(),
        context.fresh(),
        context.device,
        context.report,
    )

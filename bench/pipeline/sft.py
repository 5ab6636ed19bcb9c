"""Stage `sft`: a causal LM on the demonstrations. The policy's start, pi_ref, and where proxies begin."""

from collections.abc import Mapping
from typing import Any

from bench.config.models import SFTConfig
from bench.engine.stage import Context
from bench.lm.sft import fit_sft
from bench.pipeline.artifacts.world import WorldArtifact


def run(context: Context) -> Mapping[str, Any]:
    """Writes a Hugging Face causal LM folder that stands alone."""
    config = SFTConfig.model_validate(context.config)
    world, folder = WorldArtifact(context.inputs["world"]), context.fresh()
    demonstrations = world.demonstrations()
    metrics = fit_sft(
        config,
        world.tokenizer(),
        demonstrations["prompt"].tolist(),
        demonstrations["response"].tolist(),
        folder,
        context.device,
        context.report,
    )
    world.complete_policy(folder, config.max_new_tokens)
    return metrics

"""Distilling gold into a model of a proxy's size: how much of gold such a model can learn when labels are no limit.

Only a synthetic world allows this, since training reads gold's scores, on samples that never repeat and without label
noise. A remaining error comes from its size or its training, not from the data. A vanishing residual means that gold is
no harder than the proxy, and that over-optimization comes from the labels.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import PreTrainedTokenizerFast, get_cosine_schedule_with_warmup

from bench.core.finite import OF_REWARD, at_step, clip_gradients, demand_finite, demand_finite_weights
from bench.core.seeds import np_stream, seed_of
from bench.core.types import Score
from bench.lm.codec import encode_prompts
from bench.lm.generate import generate
from bench.lm.policy import Policy
from bench.rewards.base import FitInputs
from bench.rewards.bradley_terry import usual_length
from bench.rewards.config import BradleyTerryConfig
from bench.rewards.model import RewardModel
from bench.rewards.readings import new_model, parameter_groups, reader
from bench.rewards.token_reading import TokenReward

SAMPLES_PER_PROMPT = 4
REPORT_EVERY = 25


def residual(score_B: Float[Tensor, " B"], gold_B: Float[Tensor, " B"], k: int) -> Float[Tensor, ""]:
    """Mean squared error between scores, both less their mean over each prompt's `k` adjacent samples.

    A reward model is free in an offset per prompt, which preferences never show.
    """
    error_PG = (score_B - gold_B).view(-1, k)
    return (error_PG - error_PG.mean(1, keepdim=True)).square().mean()


def distil(
    config: BradleyTerryConfig,
    student: RewardModel | TokenReward,
    policy: Policy,
    gold: Score,
    tokenizer: PreTrainedTokenizerFast,
    prompts: Sequence[str],
    max_new_tokens: int,
    seed: int,
    device: str,
    report: Callable[[Mapping[str, Any]], None],
) -> dict[str, float]:
    """Train `student` on `gold`, in logits, `2 * config.batch` fresh samples of `policy` a step.

    Returns the residual of the last quarter of steps as a share of gold's variance within prompts: each step's is taken
    on samples not trained on before. Raises DivergedError at the first number that is not finite.
    """
    student.train().requires_grad_(True)
    optimizer = torch.optim.AdamW(parameter_groups(student.model, config.lr), weight_decay=0.0)
    schedule = get_cosine_schedule_with_warmup(optimizer, config.steps // 20, config.steps)
    rng = np_stream("distil.prompts", seed)
    generator = torch.Generator(device).manual_seed(seed_of("distil.samples", seed))
    parameters = {f"proxy.{name}": p for name, p in student.named_parameters()}
    missed, all_of_it = [], []
    for step in range(config.steps):
        chosen = rng.integers(len(prompts), size=max(1, 2 * config.batch // SAMPLES_PER_PROMPT))
        prompts_BL = encode_prompts(tokenizer, [prompts[i] for i in chosen]).repeat(SAMPLES_PER_PROMPT).to(device)
        samples = generate(
            policy, prompts_BL, max_new_tokens, tokenizer.eos_token_id, tokenizer.pad_token_id, generator
        )
        gold_B = gold(samples).to(torch.float32)
        with at_step(step):
            demand_finite("gold's score", gold_B, OF_REWARD)
            score_B = student(samples)
            demand_finite("the distilled proxy's score", score_B, "its weights have grown too large: lower its lr")
            loss = residual(score_B, gold_B, SAMPLES_PER_PROMPT)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            clip_gradients(parameters, 1.0)
            optimizer.step()
            demand_finite_weights(parameters, optimizer.param_groups[0]["lr"])
        schedule.step()
        missed.append(loss.item())
        all_of_it.append(residual(torch.zeros_like(gold_B), gold_B, SAMPLES_PER_PROMPT).item())
        if step % REPORT_EVERY == 0:
            report({"step": step, "steps": config.steps, "loss": missed[-1]})
    student.eval().requires_grad_(False)
    last = slice(-max(1, config.steps // 4), None)
    return {"distilled_residual": sum(missed[last]) / sum(all_of_it[last])}


def fit_distilled(config: BradleyTerryConfig, inputs: FitInputs) -> dict[str, float]:
    """Distil gold on prompts on whose samples no policy is measured, write the model, return metrics."""
    assert inputs.policy is not None
    assert inputs.gold is not None
    positions = inputs.policy.model.config.max_position_embeddings
    fresh = new_model(config, inputs.tokenizer, positions, usual_length(inputs), inputs.lm, inputs.seed)
    student = reader(fresh.to(inputs.device))
    metrics = distil(
        config,
        student,
        inputs.policy,
        inputs.gold,
        inputs.tokenizer,
        inputs.prompts,
        inputs.max_new_tokens,
        inputs.seed,
        inputs.device,
        inputs.report,
    )
    student.model.save_pretrained(inputs.folder)
    return metrics

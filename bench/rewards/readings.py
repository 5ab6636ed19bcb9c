"""Readings of a reward: what of a transformer's pass becomes the score. `proxies.NAME.reading` names one.

last: a linear head at the response's last token (`bench.rewards.model`). tokens and tokens_summed: the log-prob of
every response token (`bench.rewards.token_reading`), divided by length or summed.
"""

from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import nn
from transformers import AutoConfig, GPTNeoXForSequenceClassification, PreTrainedTokenizerFast

from bench.lm.policy import load_policy, neox_config, new_lm
from bench.rewards.config import BradleyTerryConfig
from bench.rewards.model import RewardModel, load_reward_model, reward_config, with_zero_head
from bench.rewards.token_reading import TokenReward, TokenRewardConfig, TokenRewardModel

Weights: TypeAlias = GPTNeoXForSequenceClassification | TokenRewardModel
"""A model as a fit trains and saves it."""

WORDS_LR = 20
"""Rate of the numbers of each word over the trunk's. They start at 0, are few, and Adam's step has no other scale."""


def new_model(
    config: BradleyTerryConfig,
    tokenizer: PreTrainedTokenizerFast,
    max_positions: int,
    usual_length: float,
    lm: Path | None,
    seed: int,
) -> Weights:
    """Weights of the config's size and reading that score everything 0, their trunk from the LM at `lm` or drawn.

    Without an LM a head at the last token is drawn from `seed` as well. `usual_length` is in response tokens.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if config.reading == "last":
            plain = GPTNeoXForSequenceClassification(reward_config(config.model, tokenizer, max_positions))
            return plain if lm is None else with_zero_head(load_policy(lm, "cpu").model, plain)
    sizes = neox_config(
        config.model,
        tokenizer,
        max_positions,
        TokenRewardConfig,
        num_labels=1,
        problem_type="regression",
        usual_length=usual_length,
        per_token=config.reading == "tokens",
        sep_token_id=tokenizer.sep_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        model = TokenRewardModel(sizes)
    start = new_lm(sizes, seed) if lm is None else load_policy(lm, "cpu").model
    model.lm.load_state_dict(start.state_dict())
    nn.init.zeros_(model.word.weight)
    return model


def reader(model: Weights) -> RewardModel | TokenReward:
    """The fast pass over a model's weights."""
    return TokenReward(model) if isinstance(model, TokenRewardModel) else RewardModel(model)


def parameter_groups(model: Weights, lr: float) -> list[dict[str, Any]]:
    """Parameters with their learning rates: words learn `WORDS_LR` times as fast as the trunk."""
    if not isinstance(model, TokenRewardModel):
        return [{"params": list(model.parameters()), "lr": lr}]
    return [
        {"params": list(model.lm.parameters()), "lr": lr},
        {"params": list(model.word.parameters()), "lr": WORDS_LR * lr},
    ]


def load(folder: Path, device: str) -> RewardModel | TokenReward:
    """The reward model stored in a Hugging Face folder, of whatever reading; frozen, in evaluation mode."""
    if AutoConfig.from_pretrained(folder, local_files_only=True).model_type != TokenRewardConfig.model_type:
        return load_reward_model(folder, device)
    model = TokenRewardModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
    return TokenReward(model.to(device).eval().requires_grad_(False))

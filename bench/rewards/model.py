"""Reward models: a transformer and one number read at the response's last token.

Proxies and gold are Hugging Face sequence-classification folders with a single label. The last token
is found by the mask, not by comparing ids with the pad id, so a sampled pad token cannot move it.
"""

import copy
from pathlib import Path
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import GPTNeoXConfig, GPTNeoXForSequenceClassification, PreTrainedTokenizerFast

from bench.config.models import ModelConfig
from bench.core.seeds import seed_of
from bench.core.types import Sequences
from bench.lm.logprobs import ROWS_AT_ONCE, batched
from bench.lm.neox import Trunk
from bench.lm.policy import TransformerPolicy, neox_config


@final
class RewardModel(nn.Module):
    """r(x, y): sequences in, one raw score each out."""

    def __init__(self, model: GPTNeoXForSequenceClassification) -> None:
        super().__init__()
        self.model, self.trunk = model, Trunk(model.gpt_neox)

    def values(self, sequences: Sequences) -> Float[Tensor, "B U"]:
        """The head's value after 0, 1, .. T tokens of each response (U = T + 1)."""
        prompts, row_B = sequences.prompts.distinct()
        return self.model.score(self.trunk.read(prompts).states(row_B, sequences.response_ids))[..., 0]

    def forward(self, sequences: Sequences, size: int = ROWS_AT_ONCE) -> Float[Tensor, " B"]:
        """Scores of any number of rows; each different prompt is read once. Gradients pass."""
        prompts, row_B = sequences.prompts.distinct()
        prefix = self.trunk.read(prompts)

        def last(index: Int[Tensor, " b"], part: Sequences) -> Float[Tensor, " b"]:
            states = prefix.states(row_B[index], part.response_ids)
            return self.model.score(states[torch.arange(len(index), device=index.device), part.lengths])[:, 0]

        return batched(last, sequences, size)

    @torch.no_grad()
    def score(self, sequences: Sequences, size: int = ROWS_AT_ONCE) -> Float[Tensor, " B"]:
        """`forward` without gradients."""
        return self(sequences, size)


def reward_config(config: ModelConfig, tokenizer: PreTrainedTokenizerFast, max_positions: int) -> GPTNeoXConfig:
    """The Hugging Face config of a reward model: one label, and a regression.

    Without the latter a text-classification pipeline returns the score's sigmoid.
    """
    return neox_config(config, tokenizer, max_positions, num_labels=1, problem_type="regression")


def load_reward_model(folder: Path, device: str) -> RewardModel:
    """The reward model stored in a Hugging Face folder, frozen, in evaluation mode."""
    model = GPTNeoXForSequenceClassification.from_pretrained(folder, local_files_only=True, use_safetensors=True)
    return RewardModel(model.to(device).eval().requires_grad_(False))


def with_zero_head(base: nn.Module, model: GPTNeoXForSequenceClassification) -> GPTNeoXForSequenceClassification:
    """`model` with the trunk weights of the causal LM `base` and a head that is 0."""
    model.gpt_neox.load_state_dict(base.gpt_neox.state_dict())  # type: ignore[union-attr]
    nn.init.zeros_(model.score.weight)
    return model


def new_critic(reference: TransformerPolicy, seed: int) -> RewardModel:
    """A critic that starts with pi_ref's trunk and values everything at 0."""
    config = copy.deepcopy(reference.model.config)
    config.num_labels = 1
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of("critic", seed))
        model = GPTNeoXForSequenceClassification(config)
    return RewardModel(with_zero_head(reference.model, model))

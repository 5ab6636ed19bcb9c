"""Reward models: a transformer and one number read at the response's last token.

Proxies and gold are Hugging Face sequence-classification folders with a single label. The last token
is found by the mask, not by comparing ids with the pad id, so a sampled pad token cannot move it.
"""

from pathlib import Path
from typing import final

from jaxtyping import Float
from torch import Tensor, nn
from transformers import GPTNeoXForSequenceClassification

from bench.core.types import Sequences, positions
from bench.lm.logprobs import batched


@final
class RewardModel(nn.Module):
    """r(x, y): sequences in, one raw score each out."""

    def __init__(self, model: GPTNeoXForSequenceClassification) -> None:
        super().__init__()
        self.model = model

    def token_values(self, sequences: Sequences) -> Float[Tensor, "B L"]:
        """The head's value at every column of prompt and response."""
        mask = sequences.attention_mask
        hidden = self.model.gpt_neox(
            input_ids=sequences.input_ids,
            attention_mask=mask.long(),
            position_ids=positions(mask),
            use_cache=False,
        ).last_hidden_state
        return self.model.score(hidden)[..., 0]

    def forward(self, sequences: Sequences) -> Float[Tensor, " B"]:
        last_B = sequences.prompt_ids.shape[1] + sequences.lengths - 1
        return self.token_values(sequences).gather(1, last_B[:, None])[:, 0]

    def score(self, sequences: Sequences, size: int = 128) -> Float[Tensor, " B"]:
        """Scores of any number of rows, without gradients."""
        return batched(self, sequences, size)


def load_reward_model(folder: Path, device: str) -> RewardModel:
    """The reward model stored in a Hugging Face folder, frozen, in evaluation mode."""
    model = GPTNeoXForSequenceClassification.from_pretrained(folder, local_files_only=True, use_safetensors=True)
    return RewardModel(model.to(device).eval().requires_grad_(False))


def with_zero_head(base: nn.Module, model: GPTNeoXForSequenceClassification) -> GPTNeoXForSequenceClassification:
    """`model` with the trunk weights of the causal LM `base` and a head that says 0."""
    model.gpt_neox.load_state_dict(base.gpt_neox.state_dict())  # type: ignore[union-attr]
    nn.init.zeros_(model.score.weight)
    return model

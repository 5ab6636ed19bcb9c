"""A reward read at every token: a language model's log-prob of the token, and two numbers for each word.

    r(x, y) = (c / max(|y|, c / 2)) sum_t (a[y_t] + b[y_t] log p(y_t | x, y_<t))

a, b and p are trained; c is the mean response length of the pairs, so that |y| divides by what is usual. Below c / 2 it
divides no further: the mean of two or three tokens says little.
`per_token=False` sums instead (the factor is 1). DPO's implicit reward is of this class, but must be a policy
(Rafailov et al. 2024, arXiv:2404.12358). A log-prob *is* the check of a word against the prompt, which a small trunk
that is read at its last token alone has no layer left to make.

The folder is a Hugging Face folder. Importing this module makes its class known:

    import bench.rewards.token_reading
    AutoModelForSequenceClassification.from_pretrained(FOLDER)
"""

from typing import Any, final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    GPTNeoXPreTrainedModel,
)
from transformers.modeling_outputs import SequenceClassifierOutput

from bench.core.masking import masked_sum
from bench.core.types import Sequences, positions
from bench.lm.logprobs import ROWS_AT_ONCE, gather, token_logps
from bench.lm.policy import TransformerPolicy


class TokenRewardConfig(GPTNeoXConfig):
    """GPT-NeoX with `usual_length` (c, in tokens), `per_token`, and `sep_token_id`, which ends a prompt."""

    model_type = "goldbench_token_reward"

    def __init__(
        self, usual_length: float = 1.0, per_token: bool = True, sep_token_id: int | None = None, **sizes: Any
    ) -> None:
        super().__init__(**sizes)
        self.usual_length, self.per_token, self.sep_token_id = usual_length, per_token, sep_token_id


class TokenRewardModel(GPTNeoXPreTrainedModel):
    """The weights, and the plain pass of `AutoModelForSequenceClassification`; `TokenReward` is the fast one."""

    config_class = TokenRewardConfig
    config: TokenRewardConfig

    def __init__(self, config: TokenRewardConfig) -> None:
        super().__init__(config)
        self.num_labels = 1
        self.lm = GPTNeoXForCausalLM(config)
        self.word = nn.Embedding(config.vocab_size, 2)  # a and b
        self.post_init()

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None, **_: Any) -> SequenceClassifierOutput:
        """Scores (B, 1) of rows `<bos> prompt <sep> response`, padded on either side."""
        mask_BL = torch.ones_like(input_ids, dtype=torch.bool) if attention_mask is None else attention_mask.bool()
        ends_prompt_BL = (input_ids == self.config.sep_token_id) & mask_BL
        responds_BT = (ends_prompt_BL.cumsum(1) > 0)[:, :-1] & mask_BL[:, 1:]
        logits = self.lm(
            input_ids=input_ids, attention_mask=mask_BL.long(), position_ids=positions(mask_BL), use_cache=False
        ).logits
        token_BT = input_ids[:, 1:]
        logp_BT = gather(logits[:, :-1].log_softmax(-1), token_BT)
        return SequenceClassifierOutput(logits=self.scores(token_BT, logp_BT, responds_BT)[:, None])

    def scores(
        self, token_BT: Int[Tensor, "B T"], logp_BT: Float[Tensor, "B T"], mask_BT: Bool[Tensor, "B T"]
    ) -> Float[Tensor, " B"]:
        """Scores from the log-probs of the masked tokens."""
        a_BT, b_BT = self.word(token_BT).unbind(-1)
        sum_B = masked_sum(a_BT + b_BT * logp_BT, mask_BT)
        if not self.config.per_token:
            return sum_B
        usual = self.config.usual_length
        return sum_B * usual / mask_BT.sum(1).clamp(min=usual / 2)


AutoConfig.register(TokenRewardConfig.model_type, TokenRewardConfig)
AutoModelForSequenceClassification.register(TokenRewardConfig, TokenRewardModel)


@final
class TokenReward(nn.Module):
    """r(x, y): sequences in, one raw score each out. Each different prompt is read once.

    Two sides of a pair share the prompt alone: the reading needs the log-prob of every response token.
    """

    def __init__(self, model: TokenRewardModel) -> None:
        super().__init__()
        self.model, self.policy = model, TransformerPolicy(model.lm)

    def forward(self, sequences: Sequences, size: int = ROWS_AT_ONCE) -> Float[Tensor, " B"]:
        """Scores of any number of rows. Gradients pass."""
        logp_BT = token_logps(self.policy, sequences, size)
        return self.model.scores(sequences.response_ids, logp_BT, sequences.response_mask)

    @torch.no_grad()
    def score(self, sequences: Sequences, size: int = ROWS_AT_ONCE) -> Float[Tensor, " B"]:
        """`forward` without gradients."""
        return self(sequences, size)

"""Policies: the interface from token ids to logits, and the GPT-NeoX policy that the harness trains.

The sampler, the log-probs, the losses and the KL use only `Policy`, so that a tabular float64
policy runs through the same code as a transformer.
"""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, GPTNeoXConfig, GPTNeoXForCausalLM, PreTrainedTokenizerFast

from bench.config.models import ModelConfig
from bench.core.types import Prompts, positions
from bench.lm.neox import Decoding, Prefix, Trunk
from bench.lm.standalone import copy_surroundings


class Decoder(ABC):
    """Token-by-token decoding of one batch."""

    @abstractmethod
    def first(self) -> Float[Tensor, "B V"]:
        """Logits of the first response token."""

    @abstractmethod
    def next(self, token_B: Int[Tensor, " B"]) -> Float[Tensor, "B V"]:
        """Logits of the token after `token_B`."""

    @abstractmethod
    def keep(self, rows: Int[Tensor, " K"]) -> None:
        """Keep only these rows of the batch."""


class Reading(ABC):
    """P prompts that a policy has read once, for any number of responses to each."""

    @abstractmethod
    def logits(
        self, row_B: Int[Tensor, " B"], response_BT: Int[Tensor, "B T"], mask_BT: Bool[Tensor, "B T"]
    ) -> Float[Tensor, "B T V"]:
        """Next-token logits at each response token, valid where the mask is set. Row b answers prompt `row_B[b]`."""

    @abstractmethod
    def decoder(self, row_B: Int[Tensor, " B"], T: int) -> Decoder:
        """A decoder for these rows, of at most T tokens each."""


class Policy(nn.Module, ABC):
    """A distribution over next tokens. Logits are always at temperature 1."""

    @abstractmethod
    def forward(
        self, input_ids: Int[Tensor, "B L"], attention_mask: Bool[Tensor, "B L"], position_ids: Int[Tensor, "B L"]
    ) -> Float[Tensor, "B L V"]: ...

    def read(self, prompts: Prompts) -> Reading:
        """Read the prompts. This default caches nothing and reruns the prompts for every token."""
        return _PlainReading(self, prompts)


@final
class _PlainReading(Reading):
    def __init__(self, policy: Policy, prompts: Prompts) -> None:
        self.policy, self.prompts = policy, prompts

    def logits(
        self, row_B: Int[Tensor, " B"], response_BT: Int[Tensor, "B T"], mask_BT: Bool[Tensor, "B T"]
    ) -> Float[Tensor, "B T V"]:
        prompts = self.prompts[row_B]
        ids, mask = torch.cat([prompts.ids, response_BT], 1), torch.cat([prompts.mask, mask_BT], 1)
        return self.policy(ids, mask, positions(mask))[:, prompts.ids.shape[1] - 1 : -1]

    def decoder(self, row_B: Int[Tensor, " B"], T: int) -> Decoder:
        return _PrefixDecoder(self.policy, self.prompts[row_B])


@final
class _PrefixDecoder(Decoder):
    def __init__(self, policy: Policy, prompts: Prompts) -> None:
        self.policy, self.ids, self.mask = policy, prompts.ids, prompts.mask

    def first(self) -> Float[Tensor, "B V"]:
        return self.policy(self.ids, self.mask, positions(self.mask))[:, -1]

    def next(self, token_B: Int[Tensor, " B"]) -> Float[Tensor, "B V"]:
        self.ids = torch.cat([self.ids, token_B[:, None]], 1)
        self.mask = torch.cat([self.mask, torch.ones_like(self.mask[:, :1])], 1)
        return self.first()

    def keep(self, rows: Int[Tensor, " K"]) -> None:
        self.ids, self.mask = self.ids[rows], self.mask[rows]


@final
class TransformerPolicy(Policy):
    """A Hugging Face causal LM as a policy. `forward` uses the model; `read` uses the faster `Trunk`.

    `source` is the folder that it was loaded from, whose tokenizer and model card go wherever it is saved.
    """

    def __init__(self, model: GPTNeoXForCausalLM, source: Path | None = None) -> None:
        super().__init__()
        self.model, self.trunk, self.source = model, Trunk(model.gpt_neox), source

    def forward(
        self, input_ids: Int[Tensor, "B L"], attention_mask: Bool[Tensor, "B L"], position_ids: Int[Tensor, "B L"]
    ) -> Float[Tensor, "B L V"]:
        return self.model(
            input_ids=input_ids, attention_mask=attention_mask.long(), position_ids=position_ids, use_cache=False
        ).logits

    def read(self, prompts: Prompts) -> Reading:
        return _CachedReading(self.model.lm_head, self.trunk.read(prompts))

    def save(self, folder: Path) -> None:
        """Save to a Hugging Face folder (safetensors)."""
        self.model.save_pretrained(folder)
        if self.source is not None:
            copy_surroundings(self.source, folder)


@final
class _CachedReading(Reading):
    def __init__(self, head: nn.Linear, prefix: Prefix) -> None:
        self.head, self.prefix = head, prefix

    def logits(
        self, row_B: Int[Tensor, " B"], response_BT: Int[Tensor, "B T"], mask_BT: Bool[Tensor, "B T"]
    ) -> Float[Tensor, "B T V"]:
        return self.head(self.prefix.states(row_B, response_BT[:, :-1]))

    def decoder(self, row_B: Int[Tensor, " B"], T: int) -> Decoder:
        return _CachedDecoder(self.head, self.prefix, row_B, T)


@final
class _CachedDecoder(Decoder):
    def __init__(self, head: nn.Linear, prefix: Prefix, row_B: Int[Tensor, " B"], T: int) -> None:
        self.head, self.start_BW, self.decoding = head, prefix.last_PW[row_B], Decoding(prefix, row_B, T)

    def first(self) -> Float[Tensor, "B V"]:
        return self.head(self.start_BW)

    def next(self, token_B: Int[Tensor, " B"]) -> Float[Tensor, "B V"]:
        return self.head(self.decoding.next(token_B))

    def keep(self, rows: Int[Tensor, " K"]) -> None:
        self.decoding.keep(rows)


def neox_config(
    config: ModelConfig,
    tokenizer: PreTrainedTokenizerFast,
    max_positions: int,
    kind: type[GPTNeoXConfig] = GPTNeoXConfig,
    **changes: object,
) -> GPTNeoXConfig:
    """The Hugging Face config of a GPT-NeoX of this size. Without dropout, so that log-probs are deterministic."""
    return kind(
        vocab_size=len(tokenizer),
        hidden_size=config.width,
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        intermediate_size=4 * config.width,
        max_position_embeddings=max_positions,
        use_parallel_residual=False,
        hidden_dropout=0.0,
        attention_dropout=0.0,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        **changes,
    )


def new_lm(config: GPTNeoXConfig, generator_seed: int) -> GPTNeoXForCausalLM:
    """A newly initialised causal LM. Hugging Face uses the global generator; its state is restored."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator_seed)
        return GPTNeoXForCausalLM(config)


def load_policy(folder: Path, device: str) -> TransformerPolicy:
    """Load a policy from a Hugging Face folder, in evaluation mode."""
    model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, use_safetensors=True)
    return TransformerPolicy(model.to(device).eval(), folder)


def parameter_count(module: nn.Module) -> int:
    """Number of parameters; shared ones count once."""
    return sum(p.numel() for p in module.parameters())

"""Fast GPT-NeoX forward pass: each prompt is read once, for any number of responses.

The Hugging Face module holds, saves and loads the weights. Its forward pass would read a prompt again for every
response and spend most of its time on overhead. The states here equal its last hidden states up to rounding.
Left out: dropout, scaled rotary embeddings and attention biases, which no model here uses.
Called by `TransformerPolicy`, `RewardModel` and gold's training.
"""

from collections.abc import Sequence
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F
from transformers import GPTNeoXModel
from transformers.models.gpt_neox.modeling_gpt_neox import GPTNeoXLayer

from bench.core.types import Prompts, positions

Rotation = tuple[Float[Tensor, "B 1 L R"], Float[Tensor, "B 1 L R"]]
"""Cosines and sines of the rotary embedding at each position, for the R rotated dimensions of a head."""


@final
class Trunk:
    """The pass over a GPT-NeoX trunk's weights. H heads of D dimensions, W = H D."""

    def __init__(self, model: GPTNeoXModel) -> None:
        config = model.config
        self.model, self.H = model, config.num_attention_heads
        self.D = config.hidden_size // self.H
        self.R = model.layers[0].attention.rotary_ndims
        if config.rope_parameters["rope_type"] != "default" or config.hidden_dropout or config.attention_dropout:
            raise ValueError(
                f"unsupported GPT-NeoX config: rotary embedding {config.rope_parameters['rope_type']!r}, "
                f"dropout {config.hidden_dropout} and {config.attention_dropout}; "
                f"use rope_type 'default' and no dropout, so that log-probs are deterministic"
            )

    def read(self, prompts: Prompts) -> "Prefix":
        """Run the trunk on P prompts and keep their keys and values."""
        mask_PL = prompts.mask
        L = mask_PL.shape[1]
        self_or_before = torch.ones(L, L, dtype=torch.bool, device=mask_PL.device).tril()
        # A padded column attends to itself, so that every softmax has at least one term.
        allowed = (mask_PL[:, None, None] & self_or_before) | torch.eye(L, dtype=torch.bool, device=mask_PL.device)
        state, rotation = self.model.embed_in(prompts.ids), self.rotation(positions(mask_PL))
        keys, values = [], []
        for layer in self.model.layers:
            below, (q, k, v) = state, self.project(layer, state, rotation)
            state = self.after(layer, state, F.scaled_dot_product_attention(q, k, v, additive(allowed, q)))
            keys.append(k)
            values.append(v)
        return Prefix(self, mask_PL, keys, values, below[:, -1], self.model.final_layer_norm(state[:, -1]))

    def rotation(self, position_BL: Int[Tensor, "B L"]) -> Rotation:
        angle = position_BL[:, None, :, None].float() * self.model.rotary_emb.inv_freq
        angle = torch.cat((angle, angle), -1)
        dtype = self.model.embed_in.weight.dtype
        return angle.cos().to(dtype), angle.sin().to(dtype)

    def project(
        self, layer: GPTNeoXLayer, state: Float[Tensor, "B L W"], rotation: Rotation
    ) -> tuple[Float[Tensor, "B H L D"], Float[Tensor, "B H L D"], Float[Tensor, "B H L D"]]:
        """Queries, keys and values of a layer, with rotary embeddings applied to queries and keys."""
        B, L, _ = state.shape
        joint = layer.attention.query_key_value(layer.input_layernorm(state))
        q, k, v = joint.view(B, L, self.H, 3 * self.D).transpose(1, 2).chunk(3, -1)
        return self._rotated(q, rotation), self._rotated(k, rotation), v

    def _rotated(self, x: Float[Tensor, "B H L D"], rotation: Rotation) -> Float[Tensor, "B H L D"]:
        cos, sin = rotation
        turned, kept = x[..., : self.R], x[..., self.R :]
        first, second = turned.chunk(2, -1)
        return torch.cat((turned * cos + torch.cat((-second, first), -1) * sin, kept), -1)

    def after(
        self, layer: GPTNeoXLayer, state: Float[Tensor, "B L W"], attended: Float[Tensor, "B H L D"]
    ) -> Float[Tensor, "B L W"]:
        """The remainder of a layer after attention."""
        mixed = state + layer.attention.dense(attended.transpose(1, 2).flatten(2))
        inner = state if layer.use_parallel_residual else mixed
        return mixed + layer.mlp(layer.post_attention_layernorm(inner))


@final
class Prefix:
    """The trunk's keys, values and last states for P prompts."""

    def __init__(
        self,
        trunk: Trunk,
        mask_PL: Bool[Tensor, "P L"],
        keys: Sequence[Float[Tensor, "P H L D"]],
        values: Sequence[Float[Tensor, "P H L D"]],
        below_PW: Float[Tensor, "P W"],
        last_PW: Float[Tensor, "P W"],
    ) -> None:
        self.trunk, self.mask_PL, self.keys, self.values = trunk, mask_PL, keys, values
        self.below_PW, self.last_PW = below_PW, last_PW
        self.is_padded = not bool(mask_PL.all())

    def states(self, row_B: Int[Tensor, " B"], response_BT: Int[Tensor, "B T"]) -> Float[Tensor, "B U W"]:
        """The trunk's state after 0, 1, .. T tokens of each response (U = T + 1); row b answers prompt `row_B[b]`."""
        _, state_BTW = self._passed(row_B, response_BT)
        return _join(self.last_PW[:, None], row_B, state_BTW, 1)

    def last_two_states(
        self, row_B: Int[Tensor, " B"], response_BT: Int[Tensor, "B T"]
    ) -> tuple[Float[Tensor, "B U W"], Float[Tensor, "B U W"]]:
        """The last layer's input at the positions of `states`, and `states`."""
        below_BTW, state_BTW = self._passed(row_B, response_BT)
        return _join(self.below_PW[:, None], row_B, below_BTW, 1), _join(self.last_PW[:, None], row_B, state_BTW, 1)

    def _passed(
        self, row_B: Int[Tensor, " B"], response_BT: Int[Tensor, "B T"]
    ) -> tuple[Float[Tensor, "B T W"], Float[Tensor, "B T W"]]:
        """The last layer's input at each response token, and the trunk's state after the token."""
        trunk, layers = self.trunk, self.trunk.model.layers
        T, L = response_BT.shape[1], self.mask_PL.shape[1]
        state = trunk.model.embed_in(response_BT)
        if T == 0:
            return state, state
        device = response_BT.device
        start_B1 = self.mask_PL.sum(1)[row_B][:, None]
        rotation = trunk.rotation(start_B1 + torch.arange(T, device=device))
        allowed = torch.ones(T, L + T, dtype=torch.bool, device=device).tril(L)
        if self.is_padded:
            allowed = allowed & F.pad(self.mask_PL[row_B], (0, T), value=True)[:, None, None]
        bias = additive(allowed, state)
        for layer, keys, values in zip(layers, self.keys, self.values, strict=True):
            below, (q, k, v) = state, trunk.project(layer, state, rotation)
            k, v = _join(keys, row_B, k, 2), _join(values, row_B, v, 2)
            state = trunk.after(layer, state, F.scaled_dot_product_attention(q, k, v, bias))
        return below, trunk.model.final_layer_norm(state)


def _join(prompts: Float[Tensor, "P ..."], row_B: Int[Tensor, " B"], responses: Tensor, axis: int) -> Tensor:
    """Concatenate each row's prompt tensor and its response tensor along `axis`.

    Uses `index_select`: on several threads the gradients of `prompts[row_B]` sum in a random order.
    """
    return torch.cat((prompts.index_select(0, row_B), responses), axis)


@final
class Decoding:
    """Token-by-token decoding of B responses of at most T tokens, from the prompts of a prefix."""

    def __init__(self, prefix: Prefix, row_B: Int[Tensor, " B"], T: int) -> None:
        self.trunk, self.used = prefix.trunk, prefix.mask_PL.shape[1]
        self.position_B = prefix.mask_PL.sum(1)[row_B]
        self.bias = (
            additive(F.pad(prefix.mask_PL[row_B], (0, T), value=True)[:, None, None], prefix.last_PW)
            if prefix.is_padded
            else None
        )
        # Allocated for all T tokens, so that a step writes one column without copying.
        self.cache = [
            torch.stack([F.pad(part[row_B], (0, 0, 0, T)) for part in pair])
            for pair in zip(prefix.keys, prefix.values, strict=True)
        ]

    def next(self, token_B: Int[Tensor, " B"]) -> Float[Tensor, "B W"]:
        """The trunk's state after one more token."""
        trunk, at = self.trunk, self.used
        self.used += 1
        state, rotation = trunk.model.embed_in(token_B[:, None]), trunk.rotation(self.position_B[:, None])
        self.position_B = self.position_B + 1
        for layer, cache in zip(trunk.model.layers, self.cache, strict=True):
            q, k, v = trunk.project(layer, state, rotation)
            cache[0, :, :, at], cache[1, :, :, at] = k[:, :, 0], v[:, :, 0]
            keys, values = cache[:, :, :, : self.used]
            score = (q * trunk.D**-0.5) @ keys.transpose(2, 3)  # faster than the fused kernel for a single query
            score = score if self.bias is None else score + self.bias[..., : self.used]
            state = trunk.after(layer, state, score.softmax(-1) @ values)
        return trunk.model.final_layer_norm(state[:, 0])

    def keep(self, rows: Int[Tensor, " K"]) -> None:
        """Keep only these rows."""
        self.cache = [cache[:, rows] for cache in self.cache]
        self.position_B = self.position_B[rows]
        self.bias = None if self.bias is None else self.bias[rows]


def additive(allowed: Bool[Tensor, "..."], like: Tensor) -> Float[Tensor, "..."]:
    """Additive attention bias: 0 where a query may attend to a key, -inf elsewhere."""
    return torch.zeros(allowed.shape, dtype=like.dtype, device=like.device).masked_fill(~allowed, float("-inf"))

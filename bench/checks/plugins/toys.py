"""What methods are checked on: a tiny float64 GPT-NeoX as pi_ref, sixteen prompts, a score, pairs that pi_ref wrote."""

from functools import cache

import torch
from jaxtyping import Float
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from bench.config.models import ModelConfig
from bench.core.seeds import stream
from bench.core.types import Pairs, Prompts, Sequences
from bench.lm.codec import encode_prompts
from bench.lm.generate import generate
from bench.lm.logprobs import batched_sequence_logps
from bench.lm.policy import TransformerPolicy, neox_config, new_lm
from bench.methods.base import MethodInputs
from bench.rewards.labeller import Labeller

WORDS = ("red", "green", "blue", "one", "two", "three")
SIZE = ModelConfig(layers=2, width=16, heads=2)
POSITIONS, MAX_NEW_TOKENS = 64, 8
PROMPTS = [
    f"{a} {b} {a} blue" if len(a) < 4 else f"{a} {b}" for a in ("red", "one", "three", "green") for b in WORDS[:4]
]


def tokenizer() -> PreTrainedTokenizerFast:
    """One word, one token."""
    marks = {"pad_token": "<pad>", "bos_token": "<bos>", "sep_token": "<sep>", "eos_token": "<eos>"}
    vocabulary = {word: i for i, word in enumerate([*marks.values(), "<unk>", *WORDS])}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=core, unk_token="<unk>", **marks)


def policy(seed: int = 0, dtype: torch.dtype = torch.float64, spread: float = 20.0) -> TransformerPolicy:
    """A policy of random weights. `spread` sharpens its head: a fresh model is nearly uniform, which hides errors."""
    model = new_lm(neox_config(SIZE, tokenizer(), POSITIONS), seed).to(dtype).eval()
    with torch.no_grad():
        model.get_output_embeddings().weight *= spread
    return TransformerPolicy(model)


def score(rows: Sequences) -> Float[Tensor, " B"]:
    """A score in logits that differs between responses: long ones are good, `red` is bad."""
    red = (rows.response_ids == len(WORDS) - 1) & rows.response_mask
    return rows.lengths.double() - 0.5 * red.sum(1)


def silence(rows: Sequences) -> Float[Tensor, " B"]:
    """A score that says nothing."""
    return torch.zeros(len(rows), dtype=torch.float64)


def prompts() -> Prompts:
    return encode_prompts(tokenizer(), PROMPTS)


def pairs() -> Pairs:
    """A pair a prompt, both sides by pi_ref. A copy each time."""
    return _pairs()[torch.arange(len(PROMPTS))]


@cache
def _pairs() -> Pairs:
    reference, words = policy(), tokenizer()
    limits = (MAX_NEW_TOKENS, words.eos_token_id, words.pad_token_id)
    chosen, rejected = (generate(reference, prompts(), *limits, stream(f"toy {side}")) for side in ("first", "second"))
    return Pairs(chosen, rejected, *(batched_sequence_logps(reference, side) for side in (chosen, rejected)))


def materials(*, informative: bool = True) -> MethodInputs:
    """What a builder is given. Where nothing is to be learned, every score is 0 and a pair's sides are equal."""
    words = tokenizer()
    return MethodInputs(
        reference=policy(),
        score=score if informative else silence,
        labeller=Labeller(score if informative else silence),
        prompts=prompts(),
        pairs=lambda: pairs() if informative else silent(pairs()),
        replayed=lambda: pairs() if informative else silent(pairs()),
        max_new_tokens=MAX_NEW_TOKENS,
        eos_id=words.eos_token_id,
        pad_id=words.pad_token_id,
        seed=0,
    )


def silent(stored: Pairs) -> Pairs:
    """Pairs whose sides are equal."""
    return Pairs(stored.chosen, stored.chosen, stored.ref_chosen_B, stored.ref_chosen_B)

"""Toy inputs for the checks: a tiny float64 GPT-NeoX as pi_ref, sixteen prompts, a score, and pairs from pi_ref."""

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
    """A tokenizer with one token per word."""
    marks = {"pad_token": "<pad>", "bos_token": "<bos>", "sep_token": "<sep>", "eos_token": "<eos>"}
    vocabulary = {word: i for i, word in enumerate([*marks.values(), "<unk>", *WORDS])}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=core, unk_token="<unk>", **marks)


def policy(seed: int = 0, dtype: torch.dtype = torch.float64, spread: float = 20.0) -> TransformerPolicy:
    """A policy with random weights. `spread` sharpens its head: an untrained one is nearly uniform and hides errors."""
    model = new_lm(neox_config(SIZE, tokenizer(), POSITIONS), seed).to(dtype).eval()
    with torch.no_grad():
        model.get_output_embeddings().weight *= spread
    return TransformerPolicy(model)


def score(rows: Sequences) -> Float[Tensor, " B"]:
    """An informative score in logits: long responses are good, `red` is bad."""
    red = (rows.response_ids == len(WORDS) - 1) & rows.response_mask
    return rows.lengths.double() - 0.5 * red.sum(1)


def silence(rows: Sequences) -> Float[Tensor, " B"]:
    """A score of 0 for every response."""
    return torch.zeros(len(rows), dtype=torch.float64)


def prompts() -> Prompts:
    return encode_prompts(tokenizer(), PROMPTS)


def pairs() -> Pairs:
    """One pair per prompt, both sides from pi_ref. Returns a new copy each time."""
    return _pairs()[torch.arange(len(PROMPTS))]


@cache
def _pairs() -> Pairs:
    reference, marks = policy(), tokenizer()
    limits = (MAX_NEW_TOKENS, marks.eos_token_id, marks.pad_token_id)
    chosen, rejected = (generate(reference, prompts(), *limits, stream(f"toy {side}")) for side in ("first", "second"))
    return Pairs(chosen, rejected, *(batched_sequence_logps(reference, side) for side in (chosen, rejected)))


def toy_inputs(*, informative: bool = True) -> MethodInputs:
    """Inputs of a method's builder. If not informative, every score is 0 and both sides of a pair are equal."""
    marks = tokenizer()
    return MethodInputs(
        reference=policy(),
        score=score if informative else silence,
        labeller=Labeller(score if informative else silence),
        prompts=prompts(),
        pairs=lambda: pairs() if informative else silent(pairs()),
        replayed=lambda: pairs() if informative else silent(pairs()),
        max_new_tokens=MAX_NEW_TOKENS,
        eos_id=marks.eos_token_id,
        pad_id=marks.pad_token_id,
        seed=0,
    )


def silent(stored: Pairs) -> Pairs:
    """The same pairs with both sides equal to the chosen one."""
    return Pairs(stored.chosen, stored.chosen, stored.ref_chosen_B, stored.ref_chosen_B)

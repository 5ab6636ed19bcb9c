"""Hugging Face folders that stand alone: beside the weights lie the tokenizer, sampling settings and a model card.

Pipelines and `from_pretrained` then read texts as the harness does. Files are copied, not linked: a library that
rewrites one of them in place must not change another stage's. Called by the stages that save models, and by
`TransformerPolicy.save`. Left out: chat templates, since a prompt here is one text.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from transformers import GenerationConfig, PreTrainedTokenizerFast

CARD = "README.md"
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja")


def copy_tokenizer(source: Path, folder: Path) -> None:
    """Copy a tokenizer's files from one folder to another; Hugging Face writes only some of TOKENIZER_FILES."""
    _copy(source, folder, TOKENIZER_FILES)


def copy_surroundings(source: Path, folder: Path) -> None:
    """Copy what lies beside a policy's weights to another policy's folder: tokenizer and model card, where present."""
    _copy(source, folder, (*TOKENIZER_FILES, CARD))


def _copy(source: Path, folder: Path, names: tuple[str, ...]) -> None:
    for name in names:
        if (source / name).is_file():
            shutil.copyfile(source / name, folder / name)


def sampling(tokenizer: PreTrainedTokenizerFast, max_new_tokens: int) -> GenerationConfig:
    """Settings with which `generate` and pipelines draw from the measured process: temperature 1, every token.

    Each is written out: where a model names none, `generate` keeps the 50 likeliest tokens, and a pipeline divides
    logits by 0.7.
    """
    return GenerationConfig(
        do_sample=True,
        temperature=1.0,
        top_k=0,
        top_p=1.0,
        max_new_tokens=max_new_tokens,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def write_policy_card(folder: Path, tokenizer: PreTrainedTokenizerFast, prompt: str, max_new_tokens: int) -> None:
    """The card of pi_ref, and of the policies trained from it. `prompt` is an example."""
    bos, sep, eos = tokenizer.bos_token, tokenizer.sep_token, tokenizer.eos_token
    text = f"""# A policy of Goldbench

pi_ref, or a policy trained from it: a causal LM over words separated by single spaces.

- A prompt is spelled `{bos} <words> {sep}`, a response `<words> {eos}`. The tokenizer adds these: one text becomes a
  prompt, a pair of texts a prompt with an ended response.
- `generation_config.json` holds the measured process: temperature 1, every token, at most {max_new_tokens} new tokens.
- Try it: `pipeline("text-generation", FOLDER)(PROMPT, return_full_text=False)`, PROMPT such as
  `{prompt}`
- The log-probability of a response sums over its tokens, `{eos}` included. Prompt and padding never count.
"""
    (folder / CARD).write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class Example:
    """An ended response and its raw score."""

    prompt: str
    response: str
    score: float


def write_reward_card(
    folder: Path, tokenizer: PreTrainedTokenizerFast, title: str, units: str, example: Example, loading: str = ""
) -> None:
    """The card of a reward model. `units` says how a raw score becomes gold standard deviations above pi_ref.

    `loading` is the statement that makes its class known to transformers, "" for a class that it knows.
    """
    first = f"\n- `{loading}` comes first: it makes the model's class known to transformers." if loading else ""
    bos, sep, eos = tokenizer.bos_token, tokenizer.sep_token, tokenizer.eos_token
    text = f"""# {title}

A reward model over words separated by single spaces: one raw score for a prompt and a response.
{first}
- It reads `{bos} <prompt> {sep} <response> {eos}`. The tokenizer adds the special tokens to a pair of texts.
- `pipeline("text-classification", FOLDER)({{"text": PROMPT, "text_pair": RESPONSE}})` returns the raw score.
- A response that the length limit cut has no `{eos}`. Spell it as one text, `{bos} <prompt> {sep} <response>`, and call
  the pipeline with `add_special_tokens=False`.
- {example.score:.6g} is the raw score of `{example.response}`
  for `{example.prompt}`
- Gold standard deviations above pi_ref:
  {units}
"""
    (folder / CARD).write_text(text, encoding="utf-8")

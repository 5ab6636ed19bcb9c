"""What a method is built from, tiny: a GPT-NeoX reference, twelve prompts, a score, stored pairs."""

from dataclasses import fields
from typing import Any

import torch
import toy_lm

from bench.checks.plugins import toys
from bench.config.method import MethodConfig
from bench.config.registry import BUILT_IN_LOSSES, registered
from bench.core.types import Pairs, Sequences
from bench.lm.codec import encode, encode_prompts
from bench.lm.logprobs import batched_sequence_logps
from bench.lm.policy import TransformerPolicy
from bench.methods.base import Method, MethodInputs
from bench.rewards.labeller import Labeller

SMALL = {"beta": 0.1, "steps": 6, "batch": 8, "minibatch": 4, "epochs": 2, "lr": 1e-2}
FRESH = {"epochs": 3, "steps": 6}  # the default epochs: fresh pairs have none
VARIANTS = {
    "ppo/one_update": {"epochs": 1, "minibatch": 8},
    "preference/online": {**FRESH, "refresh_every": 1},
    "preference/iterative": {**FRESH, "refresh_every": 2},
    "preference/gold": {**FRESH, "refresh_every": 1, "labelled_by": "gold"},
    "preference/replay": {"epochs": 3, "replay": "online", "batch": 2},
    "preference/shuffled": {"epochs": 3, "replay": "online", "order": "shuffled", "batch": 2},
    "preference/conservative": {"label_smoothing": 0.1},
    "preference/robust": {"label_smoothing": 0.1, "noise_model": "robust"},
    "sft/best_of_2": {"target": "best_of_2"},
    "reinforce/plain": {"advantage": "plain"},
    "reinforce/less_mean": {"advantage": "less_mean"},
    "reinforce/group_standardized": {"advantage": "group_standardized"},
}
EOS, PAD = 3, 0


def trained_configs() -> dict[str, MethodConfig]:
    """A small config of every method type that trains, and one of every choice that changes its sampler or loss."""
    configs: dict[str, MethodConfig] = {}
    for kind in registered("methods"):
        if kind.stage == "train":
            known = kind.model_fields.keys() - ({"steps"} if "refresh_every" in kind.model_fields else set())
            small = kind(**{k: v for k, v in SMALL.items() if k in known})
            configs[small.type] = small
    for f in BUILT_IN_LOSSES:
        configs[f"preference/{f}"] = changed(configs["preference"], {"f": f})
    for name, changes in VARIANTS.items():
        configs[name] = changed(configs[name.partition("/")[0]], changes)
    return configs


def changed(config: MethodConfig, changes: dict[str, Any]) -> MethodConfig:
    """The config with other values, validated."""
    return type(config).model_validate(config.model_dump() | changes)


def policy(seed: int = 0) -> TransformerPolicy:
    return toy_lm.policy(seed, torch.float32)


def length(rows: Sequences) -> torch.Tensor:
    """A score that differs between responses."""
    return rows.lengths.float() - 0.5 * (rows.response_ids == 5).sum(1)


def pairs(reference: TransformerPolicy) -> Pairs:
    """Twelve pairs."""
    prompts, words = toy_lm.PROMPTS * 3, toy_lm.tokenizer()
    chosen = encode(words, prompts, toy_lm.RESPONSES * 3, toy_lm.ENDED * 3)
    others = ["red red", "two three one", "blue", "one"] * 3
    rejected = encode(words, prompts, others)
    return Pairs(chosen, rejected, *(batched_sequence_logps(reference, side, 8) for side in (chosen, rejected)))


def noisy_pairs(reference: TransformerPolicy) -> Pairs:
    """Pairs of pi_ref, each three times with one label and once with the other: every f then has a finite optimum."""
    one = toys.pairs()
    T = max(side.response_ids.shape[1] for side in (one.chosen, one.rejected))

    def side(*parts: Sequences) -> Sequences:
        wide = [toy_lm.padded(part, 0, T - part.response_ids.shape[1], PAD) for part in parts]
        return Sequences(*(torch.cat([getattr(part, field.name) for part in wide]) for field in fields(Sequences)))

    chosen, rejected = (side(*[a] * 3, b) for a, b in ((one.chosen, one.rejected), (one.rejected, one.chosen)))
    return Pairs(chosen, rejected, *(batched_sequence_logps(reference, rows, 8) for rows in (chosen, rejected)))


def inputs(reference: TransformerPolicy | None = None) -> MethodInputs:
    """Toy materials of a method."""
    reference = reference or policy()
    return MethodInputs(
        reference=reference,
        score=length,
        labeller=Labeller(length),
        prompts=encode_prompts(toy_lm.tokenizer(), toy_lm.PROMPTS * 3),
        pairs=lambda: pairs(reference),
        replayed=lambda: pairs(reference),
        max_new_tokens=8,
        eos_id=EOS,
        pad_id=PAD,
        seed=0,
    )


def method(config: MethodConfig, reference: TransformerPolicy | None = None) -> Method:
    """A method over toy materials."""
    return config.build(inputs(reference))

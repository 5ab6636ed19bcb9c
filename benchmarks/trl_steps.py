"""Alternating timing of TRL's training steps and ours. `on_policy` and `preference` define the steps."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedTokenizerFast, TrainerCallback

from bench.training.loop import Trainer
from benchmarks.material import Material, material
from benchmarks.timing import ROUNDS, Rounds, milliseconds, ratio, use_threads

TINY_RATE = 1e-9  # both sides update, but neither policy changes noticeably

SETTINGS: dict[str, Any] = {
    "learning_rate": TINY_RATE,
    "lr_scheduler_type": "constant",
    "use_cpu": True,
    "bf16": False,
    "activation_checkpointing": False,
    "report_to": "none",
    "save_strategy": "no",
    "logging_strategy": "no",
    "disable_tqdm": True,
    "dataloader_pin_memory": False,
}
"""Settings of every TRL trainer; all others are TRL's defaults."""


class InTurn(TrainerCallback):
    """Time each of TRL's steps and, after it, one of ours. The first of each is discarded.

    TRL reads and pads its batch before its clock starts; our time includes this work.
    """

    def __init__(self, rounds: int = ROUNDS) -> None:
        self.steps = rounds + 1
        self.started = 0.0
        self.taken: dict[str, list[float]] = {"ours": [], "trl": []}

    def run(self, trainer: Any, ours: Callable[[], object]) -> None:
        """All of TRL's steps, `ours` after each."""
        self.ours = ours
        trainer.add_callback(self)
        trainer.train()

    def rounds(self) -> Rounds:
        assert all(len(seconds) == self.steps for seconds in self.taken.values())
        return {name: seconds[1:] for name, seconds in self.taken.items()}

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        self.started = time.perf_counter()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        ended = time.perf_counter()
        self.taken["trl"].append(ended - self.started)
        self.ours()
        self.taken["ours"].append(time.perf_counter() - ended)


@dataclass(frozen=True, eq=False)
class Sides:
    """Our trainer and TRL's, and a function that returns the mean tokens per step of each after the run."""

    ours: Trainer
    theirs: Any
    tokens: Callable[[], tuple[float, float]]


def compare(width: int, threads: int, make: Callable[[Material, int], Sides], **columns: Any) -> dict[str, Any]:
    """One row of a table: our step against TRL's. `make` maps the material of `width` and the steps to both sides."""
    use_threads(threads)
    in_turn = InTurn()
    sides = make(material(width), in_turn.steps)
    in_turn.run(sides.theirs, sides.ours.advance)
    rounds, (our_tokens, trl_tokens) = in_turn.rounds(), sides.tokens()
    return {
        "policy": f"2 x {width}",
        "threads": threads,
        **columns,
        "ours_ms": milliseconds(rounds["ours"]),
        "trl_ms": milliseconds(rounds["trl"]),
        **ratio(rounds, "trl", "ours"),
        "our_tokens": round(our_tokens),
        "trl_tokens": round(trl_tokens),
    }


def marked(tokenizer: PreTrainedTokenizerFast, prompts: Iterable[str]) -> list[str]:
    """Prompts with special tokens, so that TRL's tokens equal ours."""
    return [f"{tokenizer.bos_token} {text} {tokenizer.sep_token}" for text in prompts]

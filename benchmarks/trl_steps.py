"""TRL's training steps, each timed beside one of ours."""

import time
from collections.abc import Callable
from typing import Any

from transformers import TrainerCallback

from benchmarks.timing import ROUNDS, Rounds

TINY_RATE = 1e-9  # both sides update, and both policies stay what they were

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
"""What every TRL trainer is told; all else is TRL's default."""


class InTurn(TrainerCallback):
    """Times each of TRL's steps and, after it, one of ours. The first of each is thrown away.

    TRL's batches are read and padded before its clock starts; ours are drawn while ours runs.
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

"""Supervised fine-tuning with TRL's `SFTTrainer`: next-token loss on the response tokens alone.

TRL seeds the global generators and patches the model's forward. A fit therefore runs in a process that
runs only fits, and the model is saved and reloaded rather than reused.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerFast, TrainerCallback
from trl import SFTConfig as TRLConfig
from trl import SFTTrainer

from bench.config.models import SFTConfig
from bench.core.finite import at_step, demand_finite_weights
from bench.core.seeds import seed_of
from bench.lm.codec import prompt_token_ids, response_token_ids
from bench.lm.policy import neox_config, new_lm

IGNORED = -100  # the label of a token without loss, in Hugging Face's convention

TRAINER: dict[str, Any] = {
    "report_to": "none",
    "save_strategy": "no",
    "logging_strategy": "steps",
    "logging_steps": 25,
    "disable_tqdm": True,
    "bf16": False,
    "activation_checkpointing": False,
    "lr_scheduler_type": "cosine",
    "warmup_steps": 20,
    "dataloader_num_workers": 0,
    "dataloader_pin_memory": False,
    "weight_decay": 0.0,
}
"""Trainer settings shared by the SFT and reward-model fits."""


class Report(TrainerCallback):
    """Forward the trainer's logs as progress, and keep the last training loss."""

    def __init__(self, report: Callable[[Mapping[str, Any]], None]) -> None:
        self.report, self.loss = report, float("nan")

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:
        if logs and "loss" in logs:
            self.loss = float(logs["loss"])
            self.report({"step": state.global_step, "steps": state.max_steps, "loss": self.loss})


def fit_sft(
    config: SFTConfig,
    tokenizer: PreTrainedTokenizerFast,
    prompts: Sequence[str],
    responses: Sequence[str],
    folder: Path,
    device: str,
    report: Callable[[Mapping[str, Any]], None],
) -> dict[str, float]:
    """Train a causal LM on demonstrations, save it to `folder`, and return its metrics."""
    prompt_rows = prompt_token_ids(tokenizer, prompts)
    response_rows = response_token_ids(tokenizer, responses)
    longest = max(len(p) for p in prompt_rows) + config.max_new_tokens
    dataset = Dataset.from_dict(
        {
            "input_ids": [p + r for p, r in zip(prompt_rows, response_rows, strict=True)],
            "labels": [[IGNORED] * len(p) + r for p, r in zip(prompt_rows, response_rows, strict=True)],
        }
    )
    callback = Report(report)
    trainer = SFTTrainer(
        model=new_lm(neox_config(config.model, tokenizer, longest), seed_of("sft.init", config.seed)),
        args=TRLConfig(
            output_dir=str(folder / "trainer"),
            max_steps=config.steps,
            per_device_train_batch_size=config.batch,
            learning_rate=config.lr,
            seed=seed_of("sft.order", config.seed) % 2**31,
            use_cpu=device == "cpu",
            dataset_kwargs={"skip_prepare_dataset": True},
            max_length=None,
            **TRAINER,
        ),
        train_dataset=dataset,
        processing_class=tokenizer,
        callbacks=[callback],
    )
    return train_and_save(trainer, trainer.model, callback, folder)


def train_and_save(trainer: Any, model: PreTrainedModel, callback: Report, folder: Path) -> dict[str, float]:
    """Run a TRL trainer, save only `model`, whose weights it trains, in `folder`, and return the fit's metrics.

    Raises DivergedError if a weight is not finite at the end.
    """
    trainer.train()
    with at_step(trainer.state.global_step):
        demand_finite_weights(dict(model.named_parameters()), trainer.args.learning_rate)
    model.save_pretrained(folder)
    shutil.rmtree(folder / "trainer", ignore_errors=True)
    return {"train_loss": callback.loss}

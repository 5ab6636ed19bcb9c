"""TRL on toy data, in a process of its own because it seeds globally. Usage: python trl_oracle.py FOLDER [alone].

Writes dpo.json (TRL's DPO loss of one batch), dpo.safetensors (its gradients), and runs the project's own two fits
at a rate of nearly 0, so that the loss they report is that of the models they start from. After all of these, or alone,
it fits a proxy that learns.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
import toy_lm
from safetensors.torch import save_file

from bench.config.models import SFTConfig
from bench.lm.codec import prompt_token_ids, response_token_ids
from bench.lm.policy import TransformerPolicy
from bench.lm.sft import fit_sft
from bench.rewards.base import FitInputs
from bench.rewards.bradley_terry import fit_proxy
from bench.rewards.config import BradleyTerryConfig

BETA, TINY_RATE = 0.3, 1e-12
READINGS = ("last", "tokens", "tokens_summed")
REJECTED, REJECTED_ENDED = ["two", "one one one", "blue", "red red"], [True, True, False, True]


@dataclass(frozen=True)
class Models:
    """The policy and the reference that both sides of the comparison load."""

    policy: TransformerPolicy
    reference: TransformerPolicy


def models() -> Models:
    return Models(toy_lm.policy(0, torch.float32), toy_lm.policy(3, torch.float32))


def pairs() -> pd.DataFrame:
    """Eight preference pairs."""
    table = {"prompt": toy_lm.PROMPTS, "chosen": toy_lm.RESPONSES, "chosen_eos": toy_lm.ENDED}
    return pd.DataFrame({**table, "rejected": REJECTED, "rejected_eos": REJECTED_ENDED})


def demonstrations() -> tuple[list[str], list[str]]:
    """Eight prompts and responses."""
    return toy_lm.PROMPTS * 2, toy_lm.RESPONSES * 2


def trl_dpo(folder: Path) -> None:
    """TRL's own loss of one batch, from token ids that this project made."""
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer
    from trl.trainer.dpo_trainer import DataCollatorForPreference

    tokenizer, given = toy_lm.tokenizer(), models()
    rows = [{"prompt": "red", "chosen": " one", "rejected": " two"}]
    trainer = DPOTrainer(
        model=given.policy.model,
        ref_model=given.reference.model,
        args=DPOConfig(
            str(folder / "dpo"), beta=BETA, use_cpu=True, bf16=False, report_to="none", activation_checkpointing=False
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )
    table = pairs()
    prompt = prompt_token_ids(tokenizer, table["prompt"].tolist())
    chosen, rejected = (
        response_token_ids(tokenizer, table[side].tolist(), table[f"{side}_eos"].tolist())
        for side in ("chosen", "rejected")
    )
    examples = [
        {"prompt_ids": p, "chosen_ids": c, "rejected_ids": r} for p, c, r in zip(prompt, chosen, rejected, strict=True)
    ]
    batch = DataCollatorForPreference(pad_token_id=tokenizer.pad_token_id)(examples)
    loss = trainer.compute_loss(trainer.model, batch)
    loss.backward()
    save_file({k: p.grad.clone() for k, p in trainer.model.named_parameters()}, folder / "dpo.safetensors")
    (folder / "dpo.json").write_text(json.dumps({"loss": loss.item()}))


def own_fits(folder: Path) -> None:
    """SFT on the toy responses, then proxies on the pairs: one from that LM, one from scratch."""
    tokenizer, metrics = toy_lm.tokenizer(), {}
    sft = SFTConfig(model=toy_lm.SIZE, steps=25, batch=8, lr=TINY_RATE, max_new_tokens=8)

    def ignore(event: object) -> None:
        """Progress nobody watches."""

    (folder / "sft").mkdir()
    metrics["sft"] = fit_sft(sft, tokenizer, *demonstrations(), folder / "sft", "cpu", ignore)["train_loss"]
    table = pd.concat([pairs()] * 2, ignore_index=True)
    for init in ("lm", "scratch"):
        config = BradleyTerryConfig(model=toy_lm.SIZE, init=init, reading="last", epochs=25, batch=8, lr=TINY_RATE)
        lm = folder / "sft" if init == "lm" else None
        (folder / init).mkdir()
        metrics[init] = fit_proxy(config, FitInputs(table, tokenizer, 0, folder / init, "cpu", ignore, lm))[
            "train_loss"
        ]
    (folder / "fits.json").write_text(json.dumps(metrics))


def fit_at_full_rate(folder: Path) -> None:
    """Proxies that do learn, one of each reading, from batches in a random order."""
    table = pd.concat([pairs()] * 3, ignore_index=True)
    for reading in READINGS:
        (folder / reading).mkdir(parents=True)
        config = BradleyTerryConfig(model=toy_lm.SIZE, init="scratch", reading=reading, epochs=5, batch=4, lr=1e-2)
        fit_proxy(config, FitInputs(table, toy_lm.tokenizer(), 0, folder / reading, "cpu", lambda _: None))


if __name__ == "__main__":
    target = Path(sys.argv[1])
    if sys.argv[2:] == ["alone"]:
        fit_at_full_rate(target / "alone")
    else:
        trl_dpo(target)
        own_fits(target)
        fit_at_full_rate(target / "after_others")

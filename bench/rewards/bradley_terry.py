"""Fitting a proxy: a Bradley-Terry reward model on preference pairs, with TRL's `RewardTrainer`.

Runs in a process that does nothing else, as every TRL fit does; a fit leaves no trace in the next one there.
"""

from typing import Any

import torch
from datasets import Dataset
from jaxtyping import Bool, Int
from torch import Tensor
from transformers import GPTNeoXPreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput
from trl import RewardConfig, RewardTrainer

from bench.core.seeds import seed_of
from bench.core.types import Sequences
from bench.lm.codec import prompt_token_ids, response_token_ids
from bench.lm.sft import TRAINER, Report, train_and_save
from bench.rewards.base import FitInputs
from bench.rewards.config import BradleyTerryConfig
from bench.rewards.model import RewardModel
from bench.rewards.readings import Weights, new_model, parameter_groups, reader


class PairReader(GPTNeoXPreTrainedModel):
    """The weights of another model, which read pairs as the harness does, and once what both sides begin with.

    Hugging Face reads each side by itself, padded to the longest row; half of that is padding or read before.
    """

    def __init__(self, model: Weights) -> None:
        super().__init__(model.config)
        self.post_init()
        self.reader = reader(model)
        # A log-prob of every response token needs all of the response; a head at the end does not.
        self.shares_responses = isinstance(self.reader, RewardModel)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, **_: Any) -> SequenceClassifierOutput:
        sep = None if self.shares_responses else self.config.sep_token_id
        return SequenceClassifierOutput(logits=self.reader(forked(input_ids, attention_mask.bool(), sep))[:, None])


def forked(ids_BL: Int[Tensor, "B L"], mask_BL: Bool[Tensor, "B L"], sep: int | None = None) -> Sequences:
    """Rows padded on the right, of which row i and row i + B/2 are a pair: prompts are what the two begin with.

    With `sep` a prompt ends at this token, and the two share no more than that.
    """
    if sep is None:
        (one_ML, other_ML), (one_mask_ML, other_mask_ML) = ids_BL.chunk(2), mask_BL.chunk(2)
        same_ML = one_mask_ML & other_mask_ML & (one_ML == other_ML)
        begun_B1 = same_ML.long().cumprod(1).sum(1, keepdim=True).repeat(2, 1)
    else:
        begun_B1 = (ids_BL == sep).long().argmax(1, keepdim=True) + 1
    length_B1 = mask_BL.sum(1, keepdim=True)

    def columns(first_B1: Int[Tensor, "B 1"], width: int) -> tuple[Int[Tensor, "B W"], Bool[Tensor, "B W"]]:
        at_BW = first_B1 + torch.arange(width, device=ids_BL.device)
        real_BW = (at_BW >= 0) & (at_BW < length_B1)
        return ids_BL.gather(1, at_BW.where(real_BW, 0)), real_BW

    P, T = int(begun_B1.max()), max(1, int((length_B1 - begun_B1).max()))
    return Sequences(*columns(begun_B1 - P, P), *columns(begun_B1, T))


def usual_length(inputs: FitInputs) -> float:
    """Mean number of response tokens, EOS included, over both sides of the pairs."""
    sides = [(inputs.pairs[side].tolist(), inputs.pairs[f"{side}_eos"].tolist()) for side in ("chosen", "rejected")]
    rows = [row for texts, ended in sides for row in response_token_ids(inputs.tokenizer, texts, ended)]
    return sum(map(len, rows)) / len(rows)


def fit_proxy(config: BradleyTerryConfig, inputs: FitInputs) -> dict[str, float]:
    """Train on the pairs, write the model, return metrics."""
    tokenizer, pairs, seed, folder = inputs.tokenizer, inputs.pairs, inputs.seed, inputs.folder
    prompts = prompt_token_ids(tokenizer, pairs["prompt"].tolist())

    def rows(side: str) -> list[list[int]]:
        responses = response_token_ids(tokenizer, pairs[side].tolist(), pairs[f"{side}_eos"].tolist())
        return [p + r for p, r in zip(prompts, responses, strict=True)]

    chosen, rejected = rows("chosen"), rows("rejected")
    longest = max(map(len, chosen + rejected))
    callback = Report(inputs.report)
    model = new_model(config, tokenizer, longest, usual_length(inputs), inputs.lm, seed_of("proxy.init", seed))
    trainer = RewardTrainer(
        model=PairReader(model),
        args=RewardConfig(
            output_dir=str(folder / "trainer"),
            num_train_epochs=config.epochs,
            per_device_train_batch_size=config.batch,
            learning_rate=config.lr,
            seed=seed_of("proxy.order", seed) % 2**31,
            use_cpu=inputs.device == "cpu",
            disable_dropout=True,
            max_length=None,
            **TRAINER,
        ),
        train_dataset=Dataset.from_dict({"chosen_ids": chosen, "rejected_ids": rejected}),
        processing_class=tokenizer,
        callbacks=[callback],
        optimizers=(torch.optim.AdamW(parameter_groups(model, config.lr), weight_decay=0.0), None),
    )
    return train_and_save(trainer, model, callback, folder)

"""Fitting a proxy: a Bradley-Terry reward model on preference pairs, with TRL's `RewardTrainer`.

Runs in a process that does nothing else, as every TRL fit does; a fit leaves no trace in the next one there.
"""

from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from jaxtyping import Bool, Int
from torch import Tensor
from transformers import GPTNeoXForSequenceClassification, PreTrainedTokenizerFast
from transformers.modeling_outputs import SequenceClassifierOutput
from trl import RewardConfig, RewardTrainer

from bench.core.seeds import seed_of
from bench.core.types import Sequences
from bench.lm.codec import prompt_token_ids, response_token_ids
from bench.lm.policy import load_policy
from bench.lm.sft import TRAINER, Report, train_and_save
from bench.rewards.base import FitInputs
from bench.rewards.config import BradleyTerryConfig
from bench.rewards.model import RewardModel, reward_config, with_zero_head


class PairReader(GPTNeoXForSequenceClassification):
    """The weights of another model, which read pairs as `RewardModel` does, and once what both sides begin with.

    Hugging Face reads each side by itself, padded to the longest row; half of that is padding or read before.
    """

    def __init__(self, model: GPTNeoXForSequenceClassification) -> None:
        super().__init__(model.config)
        self.gpt_neox, self.score = model.gpt_neox, model.score

    def forward(self, input_ids: Tensor, attention_mask: Tensor, **_: Any) -> SequenceClassifierOutput:
        return SequenceClassifierOutput(logits=RewardModel(self)(forked(input_ids, attention_mask.bool()))[:, None])


def forked(ids_BL: Int[Tensor, "B L"], mask_BL: Bool[Tensor, "B L"]) -> Sequences:
    """Rows padded on the right, of which row i and row i + B/2 are a pair: prompts are what the two begin with."""
    (one_ML, other_ML), (one_mask_ML, other_mask_ML) = ids_BL.chunk(2), mask_BL.chunk(2)
    same_ML = one_mask_ML & other_mask_ML & (one_ML == other_ML)
    begun_B1 = same_ML.long().cumprod(1).sum(1, keepdim=True).repeat(2, 1)
    length_B1 = mask_BL.sum(1, keepdim=True)

    def columns(first_B1: Int[Tensor, "B 1"], width: int) -> tuple[Int[Tensor, "B W"], Bool[Tensor, "B W"]]:
        at_BW = first_B1 + torch.arange(width, device=ids_BL.device)
        real_BW = (at_BW >= 0) & (at_BW < length_B1)
        return ids_BL.gather(1, at_BW.where(real_BW, 0)), real_BW

    P, T = int(begun_B1.max()), max(1, int((length_B1 - begun_B1).max()))
    return Sequences(*columns(begun_B1 - P, P), *columns(begun_B1, T))


def new_reward_model(
    config: BradleyTerryConfig, tokenizer: PreTrainedTokenizerFast, max_positions: int, lm: Path | None, seed: int
) -> GPTNeoXForSequenceClassification:
    """A reward model of the config's size, its trunk from the LM at `lm` or drawn from `seed`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = GPTNeoXForSequenceClassification(reward_config(config.model, tokenizer, max_positions))
    return model if lm is None else with_zero_head(load_policy(lm, "cpu").model, model)


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
    model = new_reward_model(config, tokenizer, longest, inputs.lm, seed_of("proxy.init", seed))
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
    )
    return train_and_save(trainer, model, callback, folder)

#!/usr/bin/env bash
# Versions: trl 1.16.0, transformers 5.24.0, torch 2.13.0.
# Behaviour: constructing an SFTTrainer puts a `forward` on the model object itself, which closes over that object's old
#   forward. copy.deepcopy(model) copies the attribute, not what it closes over: the copy, called without labels, computes
#   with the original's weights. Zeroing the copy's weights leaves its output as it was; zeroing the original's changes it.
# A good guess would have been: a deep copy of a trained model is a frozen snapshot, for instance a reference policy.
# Output seen:
#   the copy's largest |logit| 0.16; its weights zeroed 0.16; the original's weights zeroed as well 0.0
#   (an untouched model's copy: 0.16; its weights zeroed 0.0)
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
export HF_HUB_OFFLINE=1 PIP_DISABLE_PIP_VERSION_CHECK=1
"$work/venv/bin/pip" install --quiet torch==2.13.0 transformers==5.24.0 trl==1.16.0 datasets==5.2.0 accelerate==1.15.0
cd "$work"
"$work/venv/bin/python" - <<'PY'
import copy
import sys

import torch
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, PreTrainedTokenizerFast
from trl import SFTConfig, SFTTrainer

words = Tokenizer(models.WordLevel({w: i for i, w in enumerate(["<pad>", "<eos>", "a", "b", "c"])}, unk_token="<pad>"))
words.pre_tokenizer = pre_tokenizers.Whitespace()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", eos_token="<eos>")
config = GPTNeoXConfig(
    vocab_size=5, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, max_position_embeddings=8
)
torch.manual_seed(0)
model = GPTNeoXForCausalLM(config).eval()
untouched = copy.deepcopy(model)
SFTTrainer(
    model=model,
    args=SFTConfig(
        output_dir="out", report_to="none", use_cpu=True, bf16=False, max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
    ),
    train_dataset=Dataset.from_dict({"input_ids": [[2, 3, 4, 1]] * 4, "labels": [[-100, 3, 4, 1]] * 4}),
    processing_class=tokenizer,
)


@torch.no_grad()
def largest(lm):
    return round(lm(input_ids=torch.tensor([[2, 3, 4, 1]], device=lm.device)).logits.abs().max().item(), 2)


@torch.no_grad()
def zero(lm):
    for weight in lm.parameters():
        weight.zero_()


copied = copy.deepcopy(model)
before = largest(copied)
zero(copied)
own = largest(copied)
zero(model)
both = largest(copied)
print(f"the copy's largest |logit| {before}; its weights zeroed {own}; the original's weights zeroed as well {both}")
plain = copy.deepcopy(untouched)
start = largest(plain)
zero(plain)
print(f"(an untouched model's copy: {start}; its weights zeroed {largest(plain)})")
sys.exit(not (before == own > 0 == both and largest(plain) == 0))
PY

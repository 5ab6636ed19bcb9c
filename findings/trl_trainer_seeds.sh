#!/usr/bin/env bash
# Versions: trl 1.16.0, transformers 5.24.0, torch 2.13.0.
# Behaviour: constructing a trainer, without training, seeds the global generators of torch and random with the config's
#   seed, 42 by default. Whatever was seeded before, what is drawn afterwards is the same.
# A good guess would have been: constructing an object leaves the global generators alone; the seed is set by train().
# Output seen:
#   seeded with 1, then a trainer constructed: torch 0.882269, random 0.639427
#   seeded with 2, then a trainer constructed: torch 0.882269, random 0.639427
#   seeded with 42, no trainer:                torch 0.882269, random 0.639427
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
export HF_HUB_OFFLINE=1 PIP_DISABLE_PIP_VERSION_CHECK=1
"$work/venv/bin/pip" install --quiet torch==2.13.0 transformers==5.24.0 trl==1.16.0 datasets==5.2.0 accelerate==1.15.0
cd "$work"
"$work/venv/bin/python" - <<'PY'
import random
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
rows = Dataset.from_dict({"input_ids": [[2, 3, 4, 1]] * 4, "labels": [[-100, 3, 4, 1]] * 4})


def draws(seed, construct):
    model = GPTNeoXForCausalLM(config)
    args = SFTConfig(
        output_dir="out", report_to="none", use_cpu=True, bf16=False, max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
    )
    torch.manual_seed(seed)
    random.seed(seed)
    if construct:
        SFTTrainer(model=model, args=args, train_dataset=rows, processing_class=tokenizer)
    return f"torch {torch.rand(1).item():.6f}, random {random.random():.6f}"


first, second, plain = draws(1, True), draws(2, True), draws(42, False)
print("seeded with 1, then a trainer constructed:", first)
print("seeded with 2, then a trainer constructed:", second)
print("seeded with 42, no trainer:               ", plain)
sys.exit(not first == second == plain)
PY

#!/usr/bin/env bash
# Versions: transformers 5.24.0, torch 2.13.0.
# Behaviour: a model's generation_config has top_k None, and prints no top_k, yet generate(do_sample=True) draws only from
#   the 50 likeliest tokens. top_k=0 turns that off. So samples do not come from the model's distribution, whose
#   log-probabilities a KL or an importance weight takes.
# A good guess would have been: None means no limit, and do_sample=True samples from the softmax of the logits.
# Output seen:
#   generation_config.top_k: None; mentioned when printed: False
#   distinct tokens among 20000 samples over a vocabulary of 500: at defaults 50, with top_k=0 500
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
export HF_HUB_OFFLINE=1 PIP_DISABLE_PIP_VERSION_CHECK=1
"$work/venv/bin/pip" install --quiet torch==2.13.0 transformers==5.24.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" - <<'PY'
import sys

import torch
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

torch.manual_seed(0)
config = GPTNeoXConfig(
    vocab_size=500, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
    max_position_embeddings=8, pad_token_id=0, bos_token_id=1, eos_token_id=1,
)
model = GPTNeoXForCausalLM(config).eval()
prompts = torch.full((20_000, 1), 5)


def distinct(**options):
    out = model.generate(prompts, attention_mask=torch.ones_like(prompts), do_sample=True, max_new_tokens=1, **options)
    return out[:, 1].unique().numel()


settings = model.generation_config
printed = "top_k" in str(settings)
print(f"generation_config.top_k: {settings.top_k}; mentioned when printed: {printed}")
default, free = distinct(), distinct(top_k=0)
print(f"distinct tokens among {len(prompts)} samples over a vocabulary of 500: at defaults {default}, with top_k=0 {free}")
sys.exit(not (settings.top_k is None and not printed and default == 50 and free == 500))
PY

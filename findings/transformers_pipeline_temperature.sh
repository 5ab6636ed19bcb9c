#!/usr/bin/env bash
# Versions: transformers 5.24.0, torch 2.13.0.
# Behaviour: a saved folder whose generation_config says do_sample=True and names no temperature is sampled at temperature 1 by
#   model.generate(), and at temperature 0.7 by pipeline("text-generation", FOLDER). Both keep the 50 likeliest tokens. A
#   temperature of 1.0 and a top_k of 0 that are written into generation_config.json reach both.
# A good guess would have been: a pipeline of a folder draws from the same distribution as generate() of that folder.
# Output seen:
#   no temperature named: generate divides logits by 1.00 and keeps 50 of 100 tokens, the pipeline by 0.70 and keeps 50
#   1.0 and top_k 0 named: generate divides logits by 1.00 and keeps 100 of 100 tokens, the pipeline by 1.00 and keeps 100
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
export HF_HUB_OFFLINE=1 PIP_DISABLE_PIP_VERSION_CHECK=1
"$work/venv/bin/pip" install --quiet torch==2.13.0 transformers==5.24.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" - 2>/dev/null <<'PY'
import sys

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import GenerationConfig, GPTNeoXConfig, GPTNeoXForCausalLM, PreTrainedTokenizerFast, pipeline

words = Tokenizer(WordLevel({"<unk>": 0, "<eos>": 1, **{f"w{i}": i + 2 for i in range(98)}}, unk_token="<unk>"))
words.pre_tokenizer = WhitespaceSplit()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, unk_token="<unk>", eos_token="<eos>", pad_token="<eos>")
torch.manual_seed(0)
config = GPTNeoXConfig(
    vocab_size=100, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
    max_position_embeddings=512, pad_token_id=1, bos_token_id=1, eos_token_id=1,
)
model = GPTNeoXForCausalLM(config).eval()
ends = {"bos_token_id": 1, "eos_token_id": 1, "pad_token_id": 1}


def first_step(out):
    logits, scores = out.logits[0][0], out.scores[0][0]
    kept = scores.isfinite()
    return round(float((logits[kept] / scores[kept]).median()), 2), int(kept.sum())


def warped(settings):
    """(divisor of logits, tokens kept) at the first new token: by generate(), and by a pipeline of the saved folder."""
    model.generation_config = GenerationConfig(do_sample=True, **ends, **settings)
    model.save_pretrained("folder")
    tokenizer.save_pretrained("folder")
    write = pipeline("text-generation", "folder")
    generate, seen = write.model.generate, []
    more = {"output_scores": True, "output_logits": True, "return_dict_in_generate": True}

    def spy(*args, **options):
        seen.append(generate(*args, **options, **more))
        return seen[-1].sequences

    direct = generate(**tokenizer("w1", return_tensors="pt"), **more)
    write.model.generate = spy
    write("w1")
    return first_step(direct), first_step(seen[0])


unnamed, named = warped({"max_new_tokens": 1}), warped({"max_new_tokens": 1, "temperature": 1.0, "top_k": 0})
for name, (direct, piped) in (("no temperature named", unnamed), ("1.0 and top_k 0 named", named)):
    print(
        f"{name}: generate divides logits by {direct[0]:.2f} and keeps {direct[1]} of 100 tokens, "
        f"the pipeline by {piped[0]:.2f} and keeps {piped[1]}"
    )
sys.exit(not (unnamed == ((1.0, 50), (0.7, 50)) and named == ((1.0, 100), (1.0, 100))))
PY

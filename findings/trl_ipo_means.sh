#!/usr/bin/env bash
# Versions: trl 1.16.0, transformers 5.24.0, torch 2.13.0.
# Behaviour: DPOTrainer with loss_type="ipo" takes the mean log-ratio over a completion's tokens, where the paper's equation
#   has the log-ratio of the completion, a sum. So beta does not mean what it means in the paper's equation, nor what it
#   means in the same trainer's "sigmoid" loss, which sums. A comment in trl's source says that this is on purpose.
# A good guess would have been: the losses of one trainer share one log-ratio, the sum over tokens.
# Output seen:
#   DPOTrainer's ipo loss 29.312; with sums over tokens, as in the paper's equation 31.776; with means 29.312
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
export HF_HUB_OFFLINE=1 PIP_DISABLE_PIP_VERSION_CHECK=1
"$work/venv/bin/pip" install --quiet torch==2.13.0 transformers==5.24.0 trl==1.16.0 datasets==5.2.0 accelerate==1.15.0
cd "$work"
"$work/venv/bin/python" - <<'PY'
import sys

import torch
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, PreTrainedTokenizerFast
from trl import DPOConfig, DPOTrainer

words = Tokenizer(models.WordLevel({w: i for i, w in enumerate(["<pad>", "<eos>", "a", "b", "c"])}, unk_token="<pad>"))
words.pre_tokenizer = pre_tokenizers.Whitespace()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", eos_token="<eos>")
config = GPTNeoXConfig(
    vocab_size=5, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
    max_position_embeddings=16, initializer_range=0.3,
)
torch.manual_seed(0)
policy, reference = GPTNeoXForCausalLM(config).eval(), GPTNeoXForCausalLM(config).eval()
PROMPT, CHOSEN, REJECTED, BETA = "a b", " c a b c a b", " b a", 0.1


@torch.no_grad()
def token_logps(model, completion):
    prompt, rest = tokenizer(PROMPT)["input_ids"], [*tokenizer(completion)["input_ids"], tokenizer.eos_token_id]
    logps = model(input_ids=torch.tensor([prompt + rest])).logits[0].log_softmax(-1)
    return torch.stack([logps[len(prompt) - 1 + t, token] for t, token in enumerate(rest)])


ratio_chosen, ratio_rejected = (token_logps(policy, c) - token_logps(reference, c) for c in (CHOSEN, REJECTED))
by_sums = (ratio_chosen.sum() - ratio_rejected.sum() - 1 / (2 * BETA)).square().item()
by_means = (ratio_chosen.mean() - ratio_rejected.mean() - 1 / (2 * BETA)).square().item()
trainer = DPOTrainer(
    model=policy,
    ref_model=reference,
    args=DPOConfig(
        output_dir="out", report_to="none", use_cpu=True, bf16=False, loss_type="ipo", beta=BETA, learning_rate=0.0,
        max_steps=1, per_device_train_batch_size=1, save_strategy="no", disable_tqdm=True,
    ),
    train_dataset=Dataset.from_dict({"prompt": [PROMPT], "chosen": [CHOSEN], "rejected": [REJECTED]}),
    processing_class=tokenizer,
)
loss = trainer.train().training_loss
print(f"DPOTrainer's ipo loss {loss:.3f}; with sums over tokens, as in the paper's equation {by_sums:.3f}; with means {by_means:.3f}")
sys.exit(not (abs(loss - by_means) < 1e-2 < abs(loss - by_sums)))
PY

#!/usr/bin/env bash
# Versions: trl 1.16.0 with transformers 5.22.2, then with transformers 5.23.0.
# Behaviour: which arguments trl's SFTConfig takes depends on transformers, whose TrainingArguments it extends. With 5.22.2
#   it takes no `activation_checkpointing`; with 5.23.0 it does. trl's metadata admits both, and pip finds no conflict.
# A good guess would have been: with trl pinned, and a transformers that its metadata admits, SFTConfig's arguments are fixed.
# Output seen:
#   No broken requirements found.
#   transformers 5.22.2 (trl 1.16.0 requires transformers>=4.56.2): SFTConfig takes activation_checkpointing: False
#   No broken requirements found.
#   transformers 5.23.0 (trl 1.16.0 requires transformers>=4.56.2): SFTConfig takes activation_checkpointing: True
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
export HF_HUB_OFFLINE=1 PIP_DISABLE_PIP_VERSION_CHECK=1
"$work/venv/bin/pip" install --quiet torch==2.13.0 trl==1.16.0 accelerate==1.15.0 datasets==4.8.5 huggingface-hub==1.33.0 transformers==5.22.2

look() {
  "$work/venv/bin/pip" check
  (cd "$work" && "$work/venv/bin/python" - "$1" <<'PY'
import inspect
import sys
from importlib.metadata import requires, version

from trl import SFTConfig

takes = "activation_checkpointing" in inspect.signature(SFTConfig).parameters
needs = next(line for line in requires("trl") if line.startswith("transformers"))
print(f"transformers {version('transformers')} (trl {version('trl')} requires {needs}):", end=" ")
print(f"SFTConfig takes activation_checkpointing: {takes}")
sys.exit(takes != (sys.argv[1] == "yes"))
PY
  )
}

look no
"$work/venv/bin/pip" install --quiet transformers==5.23.0
look yes

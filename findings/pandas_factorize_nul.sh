#!/usr/bin/env bash
# Versions: pandas 2.3.3, numpy 2.4.6.
# Behaviour: factorize, nunique and groupby compare strings only up to a NUL character: "a b" and "a b\0" get one code and
#   fall into one group. value_counts and duplicated, on the same Series, keep the two apart.
# A good guess would have been: strings that Python holds for different are different, and all of these agree.
# Output seen:
#   equal in Python: False
#   factorize [0, 0], nunique 1, groups 1
#   value_counts 2, duplicated [False, False]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
export PIP_DISABLE_PIP_VERSION_CHECK=1
"$work/venv/bin/pip" install --quiet pandas==2.3.3 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" - <<'PY'
import sys

import pandas as pd

texts = pd.Series(["a b", "a b\0"])
codes, distinct, groups = pd.factorize(texts)[0].tolist(), texts.nunique(), texts.groupby(texts).ngroups
counted, repeated = len(texts.value_counts()), texts.duplicated().tolist()
print("equal in Python:", texts[0] == texts[1])
print(f"factorize {codes}, nunique {distinct}, groups {groups}")
print(f"value_counts {counted}, duplicated {repeated}")
sys.exit(not (codes == [0, 0] and distinct == groups == 1 and counted == 2 and not any(repeated)))
PY

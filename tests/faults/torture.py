"""`make faults`: a whole suite, TRL's fits and all, killed at thirty random moments; no test run collects this file.

The same command, given again after each SIGKILL of a worker, of the parent or of both, must end with the bytes of an
unbroken run; in between no half stage may be read, and nobody may outlive a kill. Every process refuses the network.
"""

import argparse
import hashlib
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from test_privacy import GUARD
from toy_run import Running

from bench.core.files import read_json

SUITE = """
name: torture
world: {slots: 2, splits: {sft: 256, gold: 64, pairs: 160, rl: 96, select: 16, report: 16}}
sft: {model: {layers: 1, width: 16, heads: 2}, steps: 30, batch: 16, max_new_tokens: 16}
gold: {type: rubric}
reference: {samples_per_prompt: 8, min_gold_rubric_corr: -1}
pairs: {n: 96, held_out: 64}
proxies: {policy_sized: {model: {layers: 1, width: 16, heads: 2}, epochs: 1}}
pool: {report_prompts: 4, select_prompts: 2, samples_per_prompt: 32}
evaluation: {report_prompts: 8, select_prompts: 4, samples_per_prompt: 2, monitor_prompts: 8, probe_pairs: 16}
budgets: [0.001, 0.004, 0.016, 0.064, 10]
methods: [ppo, dpo, bon, reference]
method:
  ppo: {type: ppo, beta: [0, 0.1], steps: 40, batch: 16, minibatch: 8, lr: 1.0e-3}
  dpo: {type: preference, beta: [0.03, 0.1], epochs: 3, batch: 8, lr: 1.0e-3}
  bon: {type: best_of_n, n: [1, 2, 4, 32]}
  reference: {type: reference, looks: 4}
"""
TABLES = ("rows.parquet", "samples.parquet", "bon_pool.parquet")


def start(root: Path, out: str) -> Running:
    """`bench run` on the suite, its store beside its run folder."""
    command = [sys.executable, "-m", "bench", "run", str(root / "torture.yaml"), "workers=2", "device=cpu"]
    where = [f"store={root / out / 'store'}", f"out={root / out / 'run'}"]
    paths = os.pathsep.join(filter(None, sys.path))
    guard = {"GOLDBENCH_CALLS": str(root / "calls"), "PYTHONPATH": os.pathsep.join([str(root), paths])}
    return Running([*command, *where], guard)


def torn(store: Path) -> list[str]:
    """Files of published stages that are not as their manifest says."""
    wrong = []
    for path in store.glob("*/[!.]*/manifest.json"):
        for name, stored in read_json(path)["files"].items():
            file = path.parent / name
            if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != stored["sha256"]:
                wrong.append(str(file))
    return wrong


def tables(root: Path, out: str) -> dict[str, bytes]:
    return {name: (root / out / "run" / name).read_bytes() for name in TABLES}


def ended(root: Path, out: str) -> None:
    """Run the suite to its end."""
    run = start(root, out)
    try:
        code, words, error = run.end(1800)
        assert code == 0, words + error
    finally:
        run.kill("all")


def killed(root: Path, who: str, after_s: float) -> None:
    """Run the suite, kill after some seconds, and look at what is left."""
    run = start(root, "killed")
    try:
        time.sleep(after_s)
        run.kill(who)
        run.end(1800)
    finally:
        run.kill("all")
    assert not torn(root / "killed" / "store")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    moments = random.Random(asked.seed)
    with tempfile.TemporaryDirectory() as folder:
        root, began = Path(folder), time.monotonic()
        (root / "torture.yaml").write_text(SUITE)
        (root / "sitecustomize.py").write_text(GUARD)
        ended(root, "unbroken")
        whole_s = time.monotonic() - began
        print(f"unbroken: {whole_s:.0f} s", flush=True)
        for kill in range(1, asked.kills + 1):
            who, after_s = moments.choice(("parent", "workers", "all")), moments.uniform(0.05, 0.5) * whole_s
            killed(root, who, after_s)
            stored = len(list((root / "killed" / "store").glob("*/[!.]*/manifest.json")))
            print(f"kill {kill}, of {who} after {after_s:.0f} s: {stored} stages stored", flush=True)
        ended(root, "killed")
        assert tables(root, "killed") == tables(root, "unbroken")
        assert not list((root / "killed" / "store").glob("*/.work-*"))
        assert not (root / "calls").exists(), (root / "calls").read_text()
    print(f"{asked.kills} kills: the bytes of the unbroken run; {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())

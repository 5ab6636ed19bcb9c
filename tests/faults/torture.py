"""`make faults`: a whole suite, TRL's fits and all, killed at thirty random moments; no test run collects this file.

The same command is given again after each SIGKILL of the workers, of the parent or of all, until it ends; then a new
store begins. Nobody may outlive a kill, no stage may be lost or torn, and every store must end with the bytes of an
unbroken run. Every process refuses the network. Prints the table of docs/reliability.md.
"""

import argparse
import hashlib
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from test_privacy import GUARD
from toy_run import Running

from bench.engine.files import read_json

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
methods: [ppo, dpo, bon]
method:
  ppo: {type: ppo, beta: [0], steps: 40, batch: 16, minibatch: 8, lr: 1.0e-3}
  dpo: {type: preference, beta: [0.03], epochs: 3, batch: 8, lr: 1.0e-3}
  bon: {type: best_of_n, n: [1, 2, 4, 32]}
"""
TABLES = ("rows.parquet", "samples.parquet", "bon_pool.parquet")
WHO = {"parent": "the command", "workers": "its workers", "all": "all of them"}


@dataclass
class Life:
    """One store, from nothing to a finished run, however often it is killed on the way."""

    root: Path
    killed: list[str] = field(default_factory=list)  # who, each time
    stored: int = 0  # stages that were published, so far

    def start(self) -> Running:
        """`bench run` on the suite, its store beside its run folder."""
        command = [sys.executable, "-m", "bench", "run", str(self.root.parent / "torture.yaml"), "workers=2"]
        where = ["device=cpu", f"store={self.root / 'store'}", f"out={self.root / 'run'}"]
        paths = os.pathsep.join([str(self.root.parent), *filter(None, sys.path)])
        return Running([*command, *where], {"GOLDBENCH_CALLS": str(self.root.parent / "calls"), "PYTHONPATH": paths})

    def kill(self, who: str, after_s: float) -> bool:
        """Give the command and kill after some seconds; False if it had ended well before."""
        run = self.start()
        try:
            time.sleep(after_s)
            ended = run.process.poll() == 0
            if not ended:
                run.kill(who)
                self.killed.append(who)
            run.end(600)
        finally:
            run.kill("all")
        whole = self.whole_stages()
        assert whole >= self.stored, "a published stage is gone"
        self.stored = whole
        return not ended

    def finish(self) -> None:
        """Give the command and let it end."""
        run = self.start()
        try:
            code, words, error = run.end(600)
            assert (code, error) == (0, ""), words + error
        finally:
            run.kill("all")
        assert not list((self.root / "store").glob("*/.work-*"))

    def whole_stages(self) -> int:
        """How many stages are published, every one as its manifest says."""
        manifests = list((self.root / "store").glob("*/[!.]*/manifest.json"))
        for path in manifests:
            for name, stored in read_json(path)["files"].items():
                assert hashlib.sha256((path.parent / name).read_bytes()).hexdigest() == stored["sha256"], path
        return len(manifests)

    def tables(self) -> dict[str, bytes]:
        return {name: (self.root / "run" / name).read_bytes() for name in TABLES}


def lives(root: Path, kills: int, seed: int, whole_s: float) -> list[Life]:
    """Kill `kills` times, a new life whenever one is done."""
    moments, found = random.Random(seed), [Life(root / "0")]
    while (count := sum(len(life.killed) for life in found)) < kills:
        who, after_s, life = moments.choice(list(WHO)), moments.uniform(0.02, 0.6) * whole_s, found[-1]
        if life.kill(who, after_s):
            print(f"kill {count + 1}, of {WHO[who]} after {after_s:.1f} s: {life.stored} stages stored", flush=True)
        else:
            print(f"store {len(found)} is done after {len(life.killed)} kills", flush=True)
            found.append(Life(root / str(len(found))))
    return found


def table(found: list[Life], unbroken: dict[str, bytes]) -> str:
    """A kill is survived if its store ended with the bytes of the unbroken run."""
    tried = Counter(who for life in found for who in life.killed)
    survived = Counter(who for life in found for who in life.killed if life.tables() == unbroken)
    lines = [f"| {name} | {tried[who]} | {survived[who]} | {tried[who] - survived[who]} |" for who, name in WHO.items()]
    return "\n".join(["| killed | tried | survived | lost |", "|---|---|---|---|", *lines])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stopping this leaves none of its runs behind
    with tempfile.TemporaryDirectory() as folder:
        root, began = Path(folder), time.monotonic()
        (root / "torture.yaml").write_text(SUITE)
        (root / "sitecustomize.py").write_text(GUARD)
        unbroken = Life(root / "unbroken")
        unbroken.finish()
        whole_s = time.monotonic() - began
        print(f"unbroken: {whole_s:.0f} s", flush=True)
        found = lives(root, arguments.kills, arguments.seed, whole_s)
        found[-1].finish()
        assert not (root / "calls").exists(), (root / "calls").read_text()
        print(table(found, unbroken.tables()))
        sound = all(life.tables() == unbroken.tables() for life in found)
    print(f"{arguments.kills} kills in {len(found)} stores; {time.monotonic() - began:.0f} s")
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())

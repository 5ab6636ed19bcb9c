"""`python toy_recipes.py ROOT`: a tiny `smoke` with the parts of CONTRIBUTING's recipes, on an executor of ten lines.

Then the same with more report prompts. Prints what was made, as JSON.
"""

import json
import sys
from pathlib import Path

from bench import load_run
from bench.config.compose import compose
from bench.engine.attempt import Setup, attempt
from bench.engine.display import PlainDisplay
from bench.engine.executor import Ended, Executor
from bench.engine.scheduler import needed_stages, schedule
from bench.engine.store import Store
from bench.pipeline.plan import build_plan, plan_stages
from bench.runs.folder import RunFolder
from reports import build

SIZE = "{layers: 1, width: 16, heads: 2}"
TINY = [
    "suite=smoke",
    "world.type=copying",
    "world.splits={sft: 256, gold: 64, pairs: 192, rl: 96, select: 16, report: 32}",
    f"sft={{model: {SIZE}, steps: 20, batch: 16, max_new_tokens: 16}}",
    "gold.type=rubric",
    "reference={prompts: 8, samples_per_prompt: 8, min_gold_rubric_corr: -1}",
    "pairs={n: 96, held_out: 64}",
    f"proxies.policy_sized={{model: {SIZE}, epochs: 1}}",
    "pool={report_prompts: 4, select_prompts: 2, samples_per_prompt: 32}",
    "evaluation={report_prompts: 8, select_prompts: 4, monitor_prompts: 8, probe_pairs: 16}",
    "budgets=[.001,.004,.016,10]",
    "method.ppo={beta: [.1], steps: 6, batch: 16, minibatch: 8}",
    "method.dpo={beta: [.1], epochs: 1, batch: 16}",
    "method.bon={n: [1, 2, 4]}",
]
RECIPES = [
    "+proxies.words={type: bag_of_words}",
    "method.ppo.proxy=[words]",
    "+method.offset={type: offset, beta: [.1], epochs: 1, batch: 16}",
    "+method.softer={type: preference, f: softer, beta: [.1], epochs: 1, batch: 16}",
    "methods=[ppo,dpo,bon,offset,softer]",
]


class InProcess(Executor):
    """Makes each stage when it is polled."""

    slots = 1

    def __init__(self, setup: Setup) -> None:
        self.setup, self.waiting = setup, []

    def submit(self, stage):
        self.waiting.append(stage)

    def poll(self, timeout_s):
        stages, self.waiting = self.waiting, []
        return [Ended(stage, attempt(stage, self.setup)) for stage in stages]

    def stop(self):
        pass


def made(root: Path, words: list[str]) -> dict:
    suite, _ = compose([*TINY, *RECIPES, *words])
    plan, store = build_plan(suite, 1), Store(root / "store")
    store.open()
    needed = [stage.name for stage in needed_stages(plan_stages(plan), store)]
    outcome = schedule(plan_stages(plan), store, InProcess(Setup(store, 1, "cpu")), PlainDisplay(), lambda stage: None)
    folder = RunFolder(plan, store, root / f"run{len(words)}", "bench run tiny")
    state = folder.assemble(outcome.failures, over=True)
    rows = load_run(build(folder.out).parent).rows
    trained = {cell.name: store.manifest(cell.training)["files"] for cell in plan.cells.values() if cell.training}
    return {
        "state": state,
        "failures": {f.name: f.reason for f in outcome.failures.values()},
        "needed": needed,
        "methods": sorted(rows["method"].unique()),
        "proxies": sorted(rows["proxy_id"].unique()),
        "losses": sorted(rows["loss"].dropna().unique()),
        "prompts": int(rows["n_prompts"].max()),
        "trained": trained,
    }


if __name__ == "__main__":
    root = Path(sys.argv[1])
    print(json.dumps([made(root, []), made(root, ["evaluation.report_prompts=16"])]))

"""`python toy_machine.py ROOT`: a tiny `smoke` of one DPO cell and best-of-n, its run folder at ROOT/run."""

import json
import sys
from pathlib import Path

from toy_recipes import SIZE, InProcess

from bench.config.compose import compose
from bench.engine.attempt import Setup
from bench.engine.display import PlainDisplay
from bench.engine.scheduler import schedule
from bench.engine.store import Store
from bench.pipeline.plan import build_plan, plan_stages
from bench.runs.folder import RunFolder

TINY = [
    "suite=smoke",
    "world.splits={sft: 256, gold: 64, pairs: 192, rl: 96, select: 16, report: 32}",
    f"sft={{model: {SIZE}, steps: 20, batch: 16, max_new_tokens: 16}}",
    "gold.type=rubric",
    "reference={prompts: 8, samples_per_prompt: 8, min_gold_rubric_corr: -1}",
    "pairs={n: 96, held_out: 64}",
    f"proxies.policy_sized={{model: {SIZE}, epochs: 1}}",
    "pool={report_prompts: 4, select_prompts: 2, samples_per_prompt: 32}",
    "evaluation={report_prompts: 8, select_prompts: 4, monitor_prompts: 8, probe_pairs: 16}",
    "budgets=[.001,.004,.016,10]",
    "methods=[dpo,bon]",
    "method.dpo={beta: [.1], epochs: 2, batch: 16}",
    "method.bon={n: [1, 2, 4]}",
]


def main(root: Path) -> str:
    suite, _ = compose(TINY)
    plan, store = build_plan(suite, 1), Store(root / "store")
    store.open()
    setup = Setup(store, 1, "cpu")
    outcome = schedule(plan_stages(plan), store, InProcess(setup), PlainDisplay(), lambda stage: None)
    return RunFolder(plan, store, root / "run", "bench run tiny").assemble(outcome.failures, over=True)


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))

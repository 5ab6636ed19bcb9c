"""Scaling of cost with tokens, prompts, cells and workers, at small sizes."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from bench.config.evaluation import MeasureConfig
from bench.config.suite import RuntimeConfig
from bench.core.types import Sequences
from bench.engine.display import PlainDisplay
from bench.engine.local import make_stages
from bench.engine.store import Store
from bench.lm.generate import generate
from bench.lm.policy import load_policy
from bench.losses.preference import Preference
from bench.measure.evaluate import evaluate
from bench.pipeline.plan import Plan
from bench.pipeline.scoring import open_measurement, open_protocol
from bench.samplers.stored import StoredPairs
from bench.training.loop import Trainer
from benchmarks.material import STORE, cell_context, material, pairs_under, plan_of
from benchmarks.timing import Table, in_turn, milliseconds, publish, use_threads

NEVER = -1  # not a token, so that every response runs to its limit


def relative(taken: Mapping[Any, Sequence[float]], column: str, digits: int = 2) -> list[dict[str, Any]]:
    """One row per size: milliseconds, and their ratio to the first size's."""
    ms = {size: milliseconds(seconds) for size, seconds in taken.items()}
    first = next(iter(ms.values()))
    return [{column: size, "ms": value, "times the first": round(value / first, digits)} for size, value in ms.items()]


def tokens() -> Table:
    """Sampling of, and a preference step on, 64 responses of exactly T tokens."""
    models = material(64)
    policy, prompts, pad_id = models.policy(), models.prompts(64), models.tokenizer.pad_token_id

    def draw(T: int) -> Sequences:
        return generate(policy, prompts, T, NEVER, pad_id, torch.Generator().manual_seed(0))

    def trainer(T: int) -> Trainer:
        samples = draw(T)
        pairs = pairs_under(policy, samples[:32], samples[32:])
        return Trainer(models.policy(), StoredPairs(pairs, 32, 0), Preference("logistic", 0.1), 1e-9, 1.0, 0)

    sizes = (16, 32, 64, 128)
    trainers = {T: trainer(T) for T in sizes}
    sampled = in_turn({str(T): partial(draw, T) for T in sizes})
    stepped = in_turn({str(T): trainers[T].advance for T in sizes})
    rows = [
        {"tokens": a["tokens"], "sampling_ms": a["ms"], "times": a["times the first"], "step_ms": b["ms"]}
        | {"times the first": b["times the first"]}
        for a, b in zip(relative(sampled, "tokens"), relative(stepped, "tokens"), strict=True)
    ]
    note = "64 responses, policy 2 x 64, 1 thread: sampling; one preference step."
    return Table("Cost by tokens a response", rows, note)


def prompts() -> Table:
    """An evaluation by number of prompts: two thirds are report prompts, with three samples each."""
    _, context = cell_context(plan_of())
    measurement = open_measurement(context)
    policy = load_policy(context.inputs["sft"], "cpu")
    protocols = {}
    for n in (18, 36, 72, 144):
        sizes = MeasureConfig(report_prompts=2 * n // 3, select_prompts=n // 3, samples_per_prompt=3)
        resized = replace(context, config={**context.config, "evaluation": sizes.model_dump()})
        protocols[str(n)] = open_protocol(resized, measurement)
    sides = {n: partial(evaluate, policy, p, measurement.scoring, 0, 0, 0.1) for n, p in protocols.items()}
    rows = relative(in_turn(sides), "prompts")
    return Table("Cost by prompts of an evaluation", rows, "Three samples a prompt, 1 thread.")


def sweep(plan: Plan, cells: int, workers: int) -> None:
    """Make the first `cells` cells of the plan from stored inputs, with `workers` workers."""
    with TemporaryDirectory() as folder:
        store = Store(Path(folder) / "store")
        shutil.copytree(STORE.root, store.root)
        chosen = [cell.stage for cell in list(plan.cells.values())[:cells]]
        outcome = make_stages(chosen, store, RuntimeConfig(workers=workers), PlainDisplay(), lambda stage: None)
    assert outcome.made == cells
    assert not outcome.failures


def cells_and_workers() -> Table:
    """Short DPO cells from stored inputs. The start of the workers is included."""
    plan = plan_of()
    cell_context(plan)  # stores the cells' inputs, but not the cells
    sizes = ((1, 1), (2, 1), (4, 1), (4, 2))
    taken = in_turn({f"{c} on {w}": partial(sweep, plan, c, w) for c, w in sizes}, rounds=5)
    note = "Cells of 16 steps and two evaluations or more; a worker's start is in it."
    return Table("Cost by cells and workers", relative(taken, "cells on workers"), note)


def main() -> None:
    use_threads(1)
    publish("tokens", tokens())
    publish("prompts", prompts())
    publish("cells", cells_and_workers())


if __name__ == "__main__":
    main()

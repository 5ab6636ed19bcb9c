"""Checks of methods in training: they start at pi_ref, are reproducible, resume exactly, and log."""

import math
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from bench.checks.plugins.chance import global_seed
from bench.checks.plugins.kit import demand
from bench.checks.plugins.losses import BuildMethod
from bench.checks.plugins.toys import MAX_NEW_TOKENS, policy, prompts, toy_inputs
from bench.core.seeds import stream
from bench.core.types import Counts
from bench.lm.generate import generate
from bench.lm.kl import sequence_kl
from bench.lm.policy import Policy
from bench.methods.base import MethodInputs
from bench.training.loop import Trainer

STEPS = 4


def trainer(build: BuildMethod, inputs: MethodInputs | None = None, current: Policy | None = None) -> Trainer:
    method = build(inputs or toy_inputs())
    method.loss.double()
    return Trainer(current or policy(), method.sampler, method.loss, method.lr, method.max_grad_norm, seed=0)


def kl_to_start(current: Policy, inputs: MethodInputs) -> float:
    """The largest KL to pi_ref over a few fresh responses, in nats."""
    samples = generate(current, prompts(), MAX_NEW_TOKENS, inputs.eos_id, inputs.pad_id, stream("conformance.kl"))
    return float(sequence_kl(current, policy(), samples).kl_B.max())


def starts_at_the_reference(build: BuildMethod) -> None:
    """Before the first step the KL to pi_ref is exactly 0. Training changes the policy, but never the reference."""
    inputs, current = toy_inputs(), policy()
    run = trainer(build, inputs, current)
    run.sampler.draw(current, 0, Counts())
    demand(kl_to_start(current, inputs) == 0, "the KL to pi_ref is not 0 before the first step")
    for _ in range(STEPS):
        run.advance()
    demand(kl_to_start(current, inputs) > 0, f"{STEPS} steps do not change the policy")
    pairs = zip(inputs.reference.parameters(), policy().parameters(), strict=True)
    demand(all(torch.equal(a, b) for a, b in pairs), "training changes the reference")


def state(of: Trainer) -> dict[str, Tensor]:
    """Weights and optimizer state, by name."""
    tensors = {**of.policy.state_dict(), **{f"loss.{k}": v for k, v in of.loss.state_dict().items()}}
    for index, moments in of.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{k}": v for k, v in moments.items()}
    return {name: value.clone() for name, value in tensors.items()}


def demand_equal(a: Trainer, b: Trainer, otherwise: str) -> None:
    """Raise NotConforming unless weights, optimizer, step and counts are equal, bit for bit."""
    one, other = state(a), state(b)
    off = [name for name in one if not torch.equal(one[name], other[name])]
    demand(not off, f"{otherwise}: {off[0] if off else ''} differs")
    demand((a.step, a.counts) == (b.step, b.counts), f"{otherwise}: step or counts differ")


def repeats_itself(build: BuildMethod) -> None:
    """The same seed gives the same logs and weights under any global random state."""
    runs, logged = [], []
    for seed in (0, 1):
        with global_seed(seed):
            run = trainer(build)
            logged.append([run.advance() for _ in range(2)])
            runs.append(run)
    demand_equal(runs[0], runs[1], "two runs with the same seed diverge")
    demand(repr(logged[0]) == repr(logged[1]), "two runs with the same seed log different numbers")


def resumes_exactly(build: BuildMethod) -> None:
    """A run that is saved halfway and loaded again ends exactly as an uninterrupted one."""
    unbroken = trainer(build)
    for _ in range(STEPS):
        unbroken.advance()
    broken = trainer(build)
    for _ in range(STEPS // 2):
        broken.advance()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "state.safetensors"
        rest = broken.save(file)
        broken.advance()  # steps after saving are discarded
        continued = trainer(build)
        continued.load(file, rest)
    for _ in range(STEPS - STEPS // 2):
        continued.advance()
    demand_equal(unbroken, continued, "a run that was saved and loaded differs from the uninterrupted one")


def logs(build: BuildMethod) -> None:
    """`advance` returns finite floats under the same names at every step, `loss` among them, and the counts grow."""
    run = trainer(build)
    names: set[str] = set()
    for step in range(STEPS):
        before = asdict(run.counts)
        info = run.advance()
        demand("loss" in info, f"step {step} logs no 'loss', only {', '.join(info)}")
        odd = {name: value for name, value in info.items() if not (isinstance(value, float) and math.isfinite(value))}
        demand(not odd, f"step {step} logs values that are not finite floats: {odd}")
        demand(step == 0 or set(info) == names, f"step {step} logs different names from step 0: {names ^ set(info)}")
        names = set(info)
        grew = {name for name, value in asdict(run.counts).items() if value > before[name]}
        demand({"samples_seen", "tokens_trained"} <= grew, f"at step {step} only the counts {sorted(grew)} grew")


TRAINING_CHECKS: dict[str, Callable[[BuildMethod], None]] = {
    "starts at the reference": starts_at_the_reference,
    "repeats itself": repeats_itself,
    "resumes exactly": resumes_exactly,
    "logs": logs,
}

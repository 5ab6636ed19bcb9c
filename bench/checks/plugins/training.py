"""What a method owes while it trains: it starts at pi_ref, repeats itself, goes on after a break, and logs."""

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
from bench.checks.plugins.toys import MAX_NEW_TOKENS, materials, policy, prompts
from bench.core.seeds import stream
from bench.core.types import Counts
from bench.lm.generate import generate
from bench.lm.kl import sequence_kl
from bench.lm.policy import Policy
from bench.methods.base import MethodInputs
from bench.training.loop import Trainer

STEPS = 4


def trainer(build: BuildMethod, given: MethodInputs | None = None, current: Policy | None = None) -> Trainer:
    method = build(given or materials())
    method.loss.double()
    return Trainer(current or policy(), method.sampler, method.loss, method.lr, method.max_grad_norm, seed=0)


def kl_to_start(current: Policy, given: MethodInputs) -> float:
    """The largest KL of a few fresh responses to an untouched copy of pi_ref, in nats."""
    drawn = generate(current, prompts(), MAX_NEW_TOKENS, given.eos_id, given.pad_id, stream("conformance.kl"))
    return float(sequence_kl(current, policy(), drawn).kl_B.max())


def starts_at_the_reference(build: BuildMethod) -> None:
    """Building and drawing leave the policy where it is: KL exactly 0. Training moves it, and never the reference."""
    given, current = materials(), policy()
    run = trainer(build, given, current)
    run.sampler.draw(current, 0, Counts())
    demand(kl_to_start(current, given) == 0, "the KL to pi_ref is not 0 before the first step")
    for _ in range(STEPS):
        run.advance()
    demand(kl_to_start(current, given) > 0, f"{STEPS} steps do not move the policy")
    pairs = zip(given.reference.parameters(), policy().parameters(), strict=True)
    demand(all(torch.equal(a, b) for a, b in pairs), "training changes the reference")


def state(of: Trainer) -> dict[str, Tensor]:
    """Weights and optimizer, by name."""
    tensors = {**of.policy.state_dict(), **{f"loss.{k}": v for k, v in of.loss.state_dict().items()}}
    for index, moments in of.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{k}": v for k, v in moments.items()}
    return {name: value.clone() for name, value in tensors.items()}


def demand_equal(a: Trainer, b: Trainer, otherwise: str) -> None:
    """Weights, optimizer, step and counts, bit for bit."""
    one, other = state(a), state(b)
    off = [name for name in one if not torch.equal(one[name], other[name])]
    demand(not off, f"{otherwise}: {off[0] if off else ''} differs")
    demand((a.step, a.counts) == (b.step, b.counts), f"{otherwise}: step or counts differ")


def repeats_itself(build: BuildMethod) -> None:
    """The same seed gives the same logs and weights, whatever the global random states are."""
    runs, told = [], []
    for seed in (0, 1):
        with global_seed(seed):
            run = trainer(build)
            told.append([run.advance() for _ in range(2)])
            runs.append(run)
    demand_equal(runs[0], runs[1], "two runs of one seed part")
    demand(repr(told[0]) == repr(told[1]), "two runs of one seed log different numbers")


def goes_on_after_a_break(build: BuildMethod) -> None:
    """Saved in the middle and loaded into a new process, a run ends as the unbroken one: all state is saved state."""
    unbroken = trainer(build)
    for _ in range(STEPS):
        unbroken.advance()
    broken = trainer(build)
    for _ in range(STEPS // 2):
        broken.advance()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "state.safetensors"
        rest = broken.save(file)
        broken.advance()  # what is done after saving is forgotten
        continued = trainer(build)
        continued.load(file, rest)
    for _ in range(STEPS - STEPS // 2):
        continued.advance()
    demand_equal(unbroken, continued, "a run that was saved and loaded is not the unbroken one")


def logs(build: BuildMethod) -> None:
    """`advance` returns finite floats, the same names every step, `loss` among them; the counts grow."""
    run = trainer(build)
    names: set[str] = set()
    for step in range(STEPS):
        before = asdict(run.counts)
        info = run.advance()
        demand("loss" in info, f"no 'loss' among what step {step} logs: {', '.join(info)}")
        odd = {name: value for name, value in info.items() if not (isinstance(value, float) and math.isfinite(value))}
        demand(not odd, f"step {step} logs what is no finite float: {odd}")
        demand(step == 0 or set(info) == names, f"step {step} logs other names than step 0: {names ^ set(info)}")
        names = set(info)
        grew = {name for name, value in asdict(run.counts).items() if value > before[name]}
        demand({"samples_seen", "tokens_trained"} <= grew, f"at step {step} only {sorted(grew)} of the counts grew")


TRAINING_CHECKS: dict[str, Callable[[BuildMethod], None]] = {
    "starts at the reference": starts_at_the_reference,
    "repeats itself": repeats_itself,
    "goes on after a break": goes_on_after_a_break,
    "logs": logs,
}

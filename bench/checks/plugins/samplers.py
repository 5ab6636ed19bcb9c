"""Checks of samplers: the batch of a step must depend only on the step, the seed and the policy."""

from collections.abc import Callable
from dataclasses import asdict

import torch
from jaxtyping import Float
from torch import Tensor

from bench.checks.plugins.batches import as_rows, same, sequences_of
from bench.checks.plugins.chance import global_seed
from bench.checks.plugins.kit import demand
from bench.checks.plugins.toys import policy, toy_inputs
from bench.core.types import Counts, Pairs, Rollouts, Rows
from bench.lm.logprobs import sequence_logps, token_logps
from bench.methods.base import MethodInputs
from bench.samplers.base import Sampler

BuildSampler = Callable[[MethodInputs], Sampler]
NATS = 1e-9  # rounding of float64 log-probs of a few tokens across different batches


def batch_of(build: BuildSampler, *steps: int) -> Rows:
    """The batch at the last of `steps`, from a new sampler that has run the earlier ones."""
    sampler, counts, current = build(toy_inputs()), Counts(), policy(1)
    return [as_rows(sampler.draw(current, step, counts)) for step in steps][-1]


def depends_on_the_step_alone(build: BuildSampler) -> None:
    """With a fixed policy, the batch of step 3 does not depend on earlier draws."""
    demand(
        same(batch_of(build, 3), batch_of(build, 0, 1, 2, 3)),
        "the batch of step 3 depends on earlier draws; use only the step and named streams",
    )
    demand(
        same(batch_of(build, 3), batch_of(build, 3, 3)),
        "two draws of the same step differ; use the step's named stream",
    )


def uses_no_global_randomness(build: BuildSampler) -> None:
    """The sampler neither uses nor changes a global random generator."""
    batches = []
    for seed in (0, 1):
        with global_seed(seed):
            batches.append(batch_of(build, 0))
    demand(same(*batches), "the batch depends on a global random state; use bench.core.seeds.stream")


def changes_nothing(build: BuildSampler) -> None:
    """The sampler changes neither policy nor reference, and the batch carries no gradient."""
    inputs, current = toy_inputs(), policy(1)
    batch = as_rows(build(inputs).draw(current, 0, Counts()))
    for name, model, untouched in (("policy", current, policy(1)), ("reference", inputs.reference, policy())):
        pairs = zip(model.parameters(), untouched.parameters(), strict=True)
        demand(all(torch.equal(a, b) for a, b in pairs), f"the sampler changes the {name}'s weights")
        demand(all(p.grad is None for p in model.parameters()), f"the sampler leaves gradients in the {name}")
    attached = [name for name, value in batch.tensors().items() if value.requires_grad]
    demand(not attached, f"{', '.join(attached)} of the batch requires gradients; sample under torch.no_grad")


def is_well_formed(build: BuildSampler) -> None:
    """All fields are finite, with equally many rows. Prompts are padded on the left, responses on the right."""
    batch = batch_of(build, 0)
    sizes = {name: len(value) for name, value in batch.tensors().items()}
    demand(len(set(sizes.values())) == 1 and min(sizes.values()) > 0, f"fields have different numbers of rows: {sizes}")
    odd = [name for name, value in batch.tensors().items() if not torch.isfinite(value).all()]
    demand(not odd, f"{', '.join(odd)} is not finite")
    for rows in sequences_of(batch):
        for part, mask in (("prompt", rows.prompt_mask.flip(1)), ("response", rows.response_mask)):
            demand(bool(mask[:, 0].all()), f"a {part} is empty, or padded on the wrong side")
            demand(bool((mask.long().diff(dim=1) <= 0).all()), f"the mask of a {part} has a hole")


def has_correct_log_probs(build: BuildSampler) -> None:
    """The log-probs of rollouts and pairs match their rows, under pi_ref and under the sampling policy."""
    batch, reference = batch_of(build, 0), policy()

    def close(name: str, got: Tensor, want: Float[Tensor, "..."]) -> None:
        demand(bool(((got - want).abs() <= NATS).all()), f"{name} is not the reference's log-prob of its row")

    with torch.no_grad():
        if isinstance(batch, Rollouts):
            mask_BT = batch.sequences.response_mask
            want_BT = token_logps(policy(1), batch.sequences)
            demand(
                bool(((batch.logps_BT - want_BT)[mask_BT].abs() <= NATS).all()),
                "logps_BT is not the policy's log-prob of its row",
            )
            close("ref_logps_BT", batch.ref_logps_BT[mask_BT], token_logps(reference, batch.sequences)[mask_BT])
        if isinstance(batch, Pairs):
            close("ref_chosen_B", batch.ref_chosen_B, sequence_logps(reference, batch.chosen))
            close("ref_rejected_B", batch.ref_rejected_B, sequence_logps(reference, batch.rejected))


def counts_what_it_draws(build: BuildSampler) -> None:
    """Every step counts at least the sequences of its batch and, if the policy wrote them, their tokens."""
    sampler, counts, current = build(toy_inputs()), Counts(), policy(1)
    for step in range(3):
        before = asdict(counts)
        rows = sequences_of(as_rows(sampler.draw(current, step, counts)))
        gain = {name: value - before[name] for name, value in asdict(counts).items()}
        demand(min(gain.values()) >= 0, f"counts shrink at step {step}: {gain}")
        seen, tokens = sum(map(len, rows)), sum(int(s.lengths.sum()) for s in rows)
        demand(gain["samples_seen"] >= seen, f"samples_seen grows by {gain['samples_seen']}, but the batch has {seen}")
        wrote = gain["tokens_sampled"]
        demand(wrote == 0 or wrote >= tokens, f"tokens_sampled grows by {wrote}, but the batch has {tokens}")
        demand(
            gain["tokens_trained"] == 0, "the sampler changes tokens_trained, which only the training loop may count"
        )


SAMPLER_CHECKS: dict[str, Callable[[BuildSampler], None]] = {
    "depends on the step alone": depends_on_the_step_alone,
    "uses no global randomness": uses_no_global_randomness,
    "changes nothing": changes_nothing,
    "is well formed": is_well_formed,
    "has correct log-probs": has_correct_log_probs,
    "counts what it draws": counts_what_it_draws,
}

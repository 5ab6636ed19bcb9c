"""What a sampler owes: the batch of a step is a function of the step, the seed and the policy, and of nothing else."""

from collections.abc import Callable
from dataclasses import asdict

import torch
from jaxtyping import Float
from torch import Tensor

from bench.checks.plugins.batches import as_rows, same, sequences_of, tensors
from bench.checks.plugins.chance import global_seed
from bench.checks.plugins.kit import demand
from bench.checks.plugins.toys import materials, policy
from bench.core.types import Counts, Pairs, Rollouts, Rows
from bench.lm.logprobs import sequence_logps, token_logps
from bench.methods.base import MethodInputs
from bench.samplers.base import Sampler

BuildSampler = Callable[[MethodInputs], Sampler]
NATS = 1e-9  # float64 log-probs of a few tokens, in batches put together otherwise


def drawn(build: BuildSampler, *steps: int) -> Rows:
    """The batch of the last of `steps`, by a new sampler that drew the others before."""
    sampler, counts, current = build(materials()), Counts(), policy(1)
    return [as_rows(sampler.draw(current, step, counts)) for step in steps][-1]


def depends_on_the_step_alone(build: BuildSampler) -> None:
    """For a policy that stands still, step 3 is step 3, whatever was drawn before."""
    demand(
        same(drawn(build, 3), drawn(build, 0, 1, 2, 3)),
        "step 3 after steps 0 to 2 is not step 3 drawn at once; use the step and named streams",
    )
    demand(same(drawn(build, 3), drawn(build, 3, 3)), "the same step drawn twice differs; use the step's own stream")


def uses_no_global_chance(build: BuildSampler) -> None:
    """No global generator decides anything, nor is one moved."""
    batches = []
    for seed in (0, 1):
        with global_seed(seed):
            batches.append(drawn(build, 0))
    demand(same(*batches), "the batch depends on a global random state; draw from bench.core.seeds.stream")


def changes_nothing(build: BuildSampler) -> None:
    """Neither policy nor reference is touched, and no gradient hangs on the batch."""
    given, current = materials(), policy(1)
    batch = as_rows(build(given).draw(current, 0, Counts()))
    for name, model, untouched in (("policy", current, policy(1)), ("reference", given.reference, policy())):
        pairs = zip(model.parameters(), untouched.parameters(), strict=True)
        demand(all(torch.equal(a, b) for a, b in pairs), f"drawing changes the {name}'s weights")
        demand(all(p.grad is None for p in model.parameters()), f"drawing leaves gradients in the {name}")
    attached = [name for name, value in tensors(batch).items() if value.requires_grad]
    demand(not attached, f"{', '.join(attached)} of the batch hangs on the policy; draw under torch.no_grad")


def is_well_formed(build: BuildSampler) -> None:
    """As many rows in every field, all finite; prompts end at their last column, responses begin at their first."""
    batch = drawn(build, 0)
    sizes = {name: len(value) for name, value in tensors(batch).items()}
    demand(len(set(sizes.values())) == 1 and min(sizes.values()) > 0, f"fields differ in rows: {sizes}")
    odd = [name for name, value in tensors(batch).items() if not torch.isfinite(value).all()]
    demand(not odd, f"{', '.join(odd)} is not finite")
    for rows in sequences_of(batch):
        for part, mask in (("prompt", rows.prompt_mask.flip(1)), ("response", rows.response_mask)):
            demand(bool(mask[:, 0].all()), f"a {part} is empty, or its mask begins late")
            demand(bool((mask.long().diff(dim=1) <= 0).all()), f"the mask of a {part} has a hole")


def tells_the_references_log_probs(build: BuildSampler) -> None:
    """The log-probs of rollouts and pairs are those of the very rows beside them, by pi_ref and by who drew them."""
    batch, reference = drawn(build, 0), policy()

    def close(name: str, given: Tensor, own: Float[Tensor, "..."]) -> None:
        demand(bool(((given - own).abs() <= NATS).all()), f"{name} is not the reference's log-prob of its row")

    with torch.no_grad():
        if isinstance(batch, Rollouts):
            mask_BT = batch.sequences.response_mask
            own_BT = token_logps(policy(1), batch.sequences)
            demand(
                bool(((batch.logps_BT - own_BT)[mask_BT].abs() <= NATS).all()),
                "logps_BT is not the policy's log-prob of its row",
            )
            close("ref_logps_BT", batch.ref_logps_BT[mask_BT], token_logps(reference, batch.sequences)[mask_BT])
        if isinstance(batch, Pairs):
            close("ref_chosen_B", batch.ref_chosen_B, sequence_logps(reference, batch.chosen))
            close("ref_rejected_B", batch.ref_rejected_B, sequence_logps(reference, batch.rejected))


def counts_what_it_draws(build: BuildSampler) -> None:
    """Every step counts the sequences it gives, and their tokens if the policy wrote them, at least."""
    sampler, counts, current = build(materials()), Counts(), policy(1)
    for step in range(3):
        before = asdict(counts)
        rows = sequences_of(as_rows(sampler.draw(current, step, counts)))
        gain = {name: value - before[name] for name, value in asdict(counts).items()}
        demand(min(gain.values()) >= 0, f"counts shrink at step {step}: {gain}")
        seen, tokens = sum(map(len, rows)), sum(int(s.lengths.sum()) for s in rows)
        demand(gain["samples_seen"] >= seen, f"samples_seen grows by {gain['samples_seen']}, the batch has {seen}")
        wrote = gain["tokens_sampled"]
        demand(wrote == 0 or wrote >= tokens, f"tokens_sampled grows by {wrote}, the batch has {tokens}")
        demand(gain["tokens_trained"] == 0, "tokens_trained is the training loop's to count")


SAMPLER_CHECKS: dict[str, Callable[[BuildSampler], None]] = {
    "depends on the step alone": depends_on_the_step_alone,
    "uses no global chance": uses_no_global_chance,
    "changes nothing": changes_nothing,
    "is well formed": is_well_formed,
    "tells the reference's log-probs": tells_the_references_log_probs,
    "counts what it draws": counts_what_it_draws,
}

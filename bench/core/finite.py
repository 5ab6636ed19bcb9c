"""Checks that numbers are finite. The message says which were not, how many of how many, and what helps.

Each result is checked where it is made, so that an error names the first one that is not finite and not what follows
from it. `at_step` adds the step.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from jaxtyping import Bool
from torch import Tensor
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from bench.errors import DivergedError

OF_POLICY = "its weights have grown too large: lower the learning rate (at step 0 it is pi_ref: look at the stage sft)"
OF_REFERENCE = "pi_ref never changes: look at the stage sft, and at the responses that it reads"
OF_REWARD = "training cannot change it: look at the reward model and its calibration"
OF_WEIGHTS = "lower the learning rate, or max_grad_norm"
OF_GRADIENT = "the loss is finite: look for a root, a quotient or an exponential in it, else lower the learning rate"


@contextmanager
def at_step(step: int) -> Iterator[None]:
    """Put the step into the message of a DivergedError that is raised inside."""
    try:
        yield
    except DivergedError as error:
        raise DivergedError(f"at step {step} {error}") from error


def demand_finite(
    name: str,
    values: Tensor,
    advice: str,
    mask: Bool[Tensor, "..."] | None = None,
    at: tuple[str, Tensor] | None = None,
) -> None:
    """Raise DivergedError, which ends with `advice`, if an entry is NaN or infinite that `mask` keeps (all by default).

    `at` names an argument, of the shape of `values`, to be shown for the first such entry.
    """
    bad = ~torch.isfinite(values) if mask is None else mask & ~torch.isfinite(values)
    if not bad.any():
        return
    first = tuple(bad.nonzero()[0].tolist())
    place = f"entry {list(first)}" if at is None else f"{at[0]} = {at[1][first].item():.6g}"
    count = f"{int(bad.sum())} of {values.numel() if mask is None else int(mask.sum())}"
    raise DivergedError(
        f"{name} is not finite in {count} entries (the first: {values[first].item()} at {place}); {advice}"
    )


def clip_gradients(parameters: Mapping[str, Tensor], max_norm: float) -> None:
    """Scale the gradients of named parameters to a joint norm of at most `max_norm`, in place.

    Raises DivergedError, which names the first parameter, if a gradient or their norm is not finite.
    """
    gradients = {name: p.grad for name, p in parameters.items() if p.grad is not None}
    norm = get_total_norm(list(gradients.values()))
    if not torch.isfinite(norm):
        for name, gradient in gradients.items():
            demand_finite(f"the gradient of {name}", gradient, OF_GRADIENT)
        largest = max(gradients, key=lambda name: float(gradients[name].abs().max()))
        raise DivergedError(
            f"the norm of the gradient is {norm.item()}, though every entry is finite (the largest is of {largest}); "
            f"{OF_GRADIENT}"
        )
    clip_grads_with_norm_(list(parameters.values()), max_norm, norm)


def demand_finite_weights(parameters: Mapping[str, Tensor], rate: float) -> None:
    """Raise DivergedError, which names the first parameter and the rate, if an update left a weight not finite."""
    if torch.isfinite(get_total_norm([parameter.detach() for parameter in parameters.values()])):
        return  # a tenth of the time of looking at each
    for name, parameter in parameters.items():
        demand_finite(f"after the update the weight {name}", parameter.detach(), f"{OF_WEIGHTS} (the rate is {rate:g})")

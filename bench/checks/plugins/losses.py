"""Checks of losses on one batch: invariance to padding, order and splitting, and no gradient without a signal."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from bench.checks.plugins.batches import as_rows, groups, padded
from bench.checks.plugins.kit import demand
from bench.checks.plugins.toys import policy, silent, toy_inputs
from bench.core.seeds import stream
from bench.core.types import Counts, Pairs, Rows
from bench.lm.policy import Policy
from bench.methods.base import Method, MethodInputs

BuildMethod = Callable[[MethodInputs], Method]
RELATIVE = 1e-9  # relative to the largest gradient: rounding of float64 sums in another order or width
SILENCE = 1e-9  # rounding of a gradient whose terms of order 1 cancel


@dataclass(frozen=True)
class Setting:
    """A method in float64, a policy equal to pi_ref, and the minibatches of the first step."""

    policy: Policy
    method: Method
    minibatches: list[Rows]


def setting(build: BuildMethod, *, informative: bool = True) -> Setting:
    inputs, current = toy_inputs(informative=informative), policy()
    method = build(inputs)
    method.loss.double()
    batch = method.sampler.draw(current, 0, Counts())
    if not informative and isinstance(batch, Pairs):
        batch = silent(batch)  # equal scores give random labels, which still have a gradient
    parts = method.loss.minibatches(current, batch, stream("conformance"))
    return Setting(current, method, [as_rows(part) for part in parts])


def gradients(on: Setting, minibatch: Rows) -> tuple[float, dict[str, Tensor]]:
    """The loss of a minibatch and its gradient in every parameter of the policy and of the loss."""
    modules = {"policy": on.policy, "loss": on.method.loss}
    for module in modules.values():
        module.zero_grad(set_to_none=True)
    loss, _ = on.method.loss(on.policy, minibatch)
    loss.backward()
    named = {f"{k}.{n}": p for k, module in modules.items() for n, p in module.named_parameters()}
    return loss.item(), {n: torch.zeros_like(p) if p.grad is None else p.grad.clone() for n, p in named.items()}


def demand_same(a: tuple[float, dict[str, Tensor]], b: tuple[float, dict[str, Tensor]], when: str) -> None:
    """Raise NotConforming unless losses and gradients are equal up to rounding."""
    demand(abs(a[0] - b[0]) <= RELATIVE * max(1.0, abs(a[0])), f"the loss is {a[0]:.6g}, but {b[0]:.6g} {when}")
    for of in ("policy", "loss"):
        names = [name for name in a[1] if name.startswith(f"{of}.")]
        largest = max((float(a[1][n].abs().max()) for n in names), default=0.0)
        worst = max(((float((a[1][n] - b[1][n]).abs().max()), n) for n in names), default=(0.0, ""))
        demand(
            worst[0] <= RELATIVE * max(largest, SILENCE), f"the gradient of {worst[1]} changes by {worst[0]:.2g} {when}"
        )


def finite(build: BuildMethod) -> None:
    """Losses and gradients are finite, and the policy's gradient is not 0 on informative data."""
    on, largest = setting(build), 0.0
    demand(bool(on.minibatches), "a step has no minibatch")
    for part in on.minibatches:
        loss, grads = gradients(on, part)
        demand(loss == loss and abs(loss) < float("inf"), f"a loss is {loss}")
        odd = [name for name, g in grads.items() if not torch.isfinite(g).all()]
        demand(not odd, f"the gradient of {', '.join(odd)} is not finite")
        largest = max(largest, *(float(g.abs().max()) for n, g in grads.items() if n.startswith("policy.")))
    demand(largest > SILENCE, "the policy has no gradient, although scores and labels differ")


def padding(build: BuildMethod) -> None:
    """Loss and gradient do not depend on the contents or the number of masked positions."""
    on = setting(build)
    for part in on.minibatches:
        demand_same(gradients(on, part), gradients(on, padded(part)), "with more padding that holds junk")


def order(build: BuildMethod) -> None:
    """Loss and gradient do not depend on the order of rows. Adjacent samples of one prompt stay together."""
    on = setting(build)
    for part in on.minibatches:
        index = groups(part)
        mixed = torch.cat(
            [index[i] for i in torch.randperm(len(index), generator=stream("conformance.order")).tolist()]
        )
        if torch.equal(mixed, torch.arange(len(mixed))):
            mixed = torch.cat(index[::-1])
        demand_same(gradients(on, part), gradients(on, part[mixed]), "with its rows in another order")


def splitting(build: BuildMethod) -> None:
    """A minibatch is the row-weighted mean of its parts, so that gradients can be accumulated.

    Computations on the whole batch, such as a baseline or whitening, belong in `minibatches`.
    """
    on = setting(build)
    for part in on.minibatches:
        index, rows = groups(part), len(part)
        pieces = [torch.cat(index[i::4]) for i in range(min(4, len(index)))]
        loss, total = 0.0, {name: torch.zeros_like(g) for name, g in gradients(on, part)[1].items()}
        for piece in pieces:
            share, (piece_loss, grads) = len(piece) / rows, gradients(on, part[piece])
            loss += share * piece_loss
            total = {name: total[name] + share * grads[name] for name in total}
        demand_same(gradients(on, part), (loss, total), f"as the mean of {len(pieces)} parts")


def silence(build: BuildMethod) -> None:
    """With equal scores, or pairs of equal sides, the policy has no gradient at pi_ref for any beta.

    Imitation losses are exempt: they have a gradient on any data.
    """
    on = setting(build, informative=False)
    if on.method.loss.imitates:
        return
    for part in on.minibatches:
        grads = {n: float(g.abs().max()) for n, g in gradients(on, part)[1].items() if n.startswith("policy.")}
        worst = max(grads, key=lambda name: grads[name])
        demand(grads[worst] <= SILENCE, f"{worst} has gradient {grads[worst]:.2g}, although all scores are equal")


def parameters(build: BuildMethod) -> None:
    """Every parameter of the loss is in its optimizer groups once, with a learning rate, and receives a gradient."""
    on = setting(build)
    grouped = on.method.loss.parameter_groups()
    owned, listed = {id(p) for p in on.method.loss.parameters()}, [id(p) for g in grouped for p in g["params"]]
    demand(sorted(listed) == sorted(owned), "parameter_groups() must list each parameter of the loss exactly once")
    demand(all(group.get("lr", 0) > 0 for group in grouped), "a parameter group has no learning rate ('lr')")
    for part in on.minibatches:
        loss, _ = on.method.loss(on.policy, part)
        loss.backward()
    unreached = [n for n, p in on.method.loss.named_parameters() if p.grad is None]
    demand(not unreached, f"no gradient reaches {', '.join(unreached)}")


LOSS_CHECKS: dict[str, Callable[[BuildMethod], None]] = {
    "finite": finite,
    "padding": padding,
    "order": order,
    "splitting": splitting,
    "silence": silence,
    "parameters": parameters,
}

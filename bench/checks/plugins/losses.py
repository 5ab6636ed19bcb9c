"""What a loss owes on one batch: padding, order and the cut into minibatches change nothing, silence moves nothing."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from bench.checks.plugins.batches import as_rows, groups, padded
from bench.checks.plugins.kit import demand
from bench.checks.plugins.toys import materials, policy, silent
from bench.core.seeds import stream
from bench.core.types import Counts, Pairs, Rows
from bench.lm.policy import Policy
from bench.methods.base import Method, MethodInputs

BuildMethod = Callable[[MethodInputs], Method]
RELATIVE = 1e-9  # of the largest gradient: float64 sums in another order, attention over other widths
SILENCE = 1e-9  # of a gradient made of terms of order 1 that cancel


@dataclass(frozen=True)
class Setting:
    """A method in float64 beside a policy that is still pi_ref, and the minibatches of its first step."""

    policy: Policy
    method: Method
    minibatches: list[Rows]


def setting(build: BuildMethod, *, informative: bool = True) -> Setting:
    given, current = materials(informative=informative), policy()
    method = build(given)
    method.loss.double()
    batch = method.sampler.draw(current, 0, Counts())
    if not informative and isinstance(batch, Pairs):
        batch = silent(batch)  # labels drawn for equal scores are coins, and a coin pulls
    parts = method.loss.minibatches(current, batch, stream("conformance"))
    return Setting(current, method, [as_rows(part) for part in parts])


def gradients(on: Setting, minibatch: Rows) -> tuple[float, dict[str, Tensor]]:
    """The loss of a minibatch and its gradient in every parameter, the policy's and the loss's own."""
    modules = {"policy": on.policy, "loss": on.method.loss}
    for module in modules.values():
        module.zero_grad(set_to_none=True)
    loss, _ = on.method.loss(on.policy, minibatch)
    loss.backward()
    named = {f"{k}.{n}": p for k, module in modules.items() for n, p in module.named_parameters()}
    return loss.item(), {n: torch.zeros_like(p) if p.grad is None else p.grad.clone() for n, p in named.items()}


def demand_same(a: tuple[float, dict[str, Tensor]], b: tuple[float, dict[str, Tensor]], when: str) -> None:
    """Equal losses and gradients, up to rounding."""
    demand(abs(a[0] - b[0]) <= RELATIVE * max(1.0, abs(a[0])), f"the loss is {a[0]:.6g}, and {b[0]:.6g} {when}")
    for of in ("policy", "loss"):
        names = [name for name in a[1] if name.startswith(f"{of}.")]
        largest = max((float(a[1][n].abs().max()) for n in names), default=0.0)
        worst = max(((float((a[1][n] - b[1][n]).abs().max()), n) for n in names), default=(0.0, ""))
        demand(
            worst[0] <= RELATIVE * max(largest, SILENCE), f"the gradient of {worst[1]} moves by {worst[0]:.2g} {when}"
        )


def finite(build: BuildMethod) -> None:
    """Losses, logs and gradients are finite; the policy's gradient is not 0 where there is something to learn."""
    on, largest = setting(build), 0.0
    demand(bool(on.minibatches), "a step has no minibatch")
    for part in on.minibatches:
        loss, grads = gradients(on, part)
        demand(loss == loss and abs(loss) < float("inf"), f"a loss is {loss}")
        odd = [name for name, g in grads.items() if not torch.isfinite(g).all()]
        demand(not odd, f"the gradient of {', '.join(odd)} is not finite")
        largest = max(largest, *(float(g.abs().max()) for n, g in grads.items() if n.startswith("policy.")))
    demand(largest > SILENCE, "nothing pulls the policy, though scores and labels differ")


def padding(build: BuildMethod) -> None:
    """What stands at masked places, and how many there are, is nobody's business."""
    on = setting(build)
    for part in on.minibatches:
        demand_same(gradients(on, part), gradients(on, padded(part)), "with more padding, and junk in it")


def order(build: BuildMethod) -> None:
    """Rows in another order are the same batch. Adjacent samples of one prompt stay together."""
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
    """A minibatch is the mean of its parts, weighted by rows, so gradients can be accumulated over smaller pieces.

    What needs the whole batch (a baseline, whitening) belongs in `minibatches`, before the first update.
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
    """Equal scores, or pairs of equal sides, give the policy no gradient at pi_ref, whatever beta is.

    A loss that imitates is not asked: it pulls towards what it is shown.
    """
    on = setting(build, informative=False)
    if on.method.loss.imitates:
        return
    for part in on.minibatches:
        grads = {n: float(g.abs().max()) for n, g in gradients(on, part)[1].items() if n.startswith("policy.")}
        worst = max(grads, key=lambda name: grads[name])
        demand(grads[worst] <= SILENCE, f"{worst} has gradient {grads[worst]:.2g} though there is nothing to learn")


def parameters(build: BuildMethod) -> None:
    """The loss's own parameters, if any, are in its optimizer groups once each, with a rate, and are reached."""
    on = setting(build)
    grouped = on.method.loss.parameter_groups()
    owned, listed = {id(p) for p in on.method.loss.parameters()}, [id(p) for g in grouped for p in g["params"]]
    demand(sorted(listed) == sorted(owned), "parameter_groups() is not each parameter of the loss, once")
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

"""Preference losses: every classification loss f gives a policy loss f(beta * rho).

rho = [log pi(chosen) - log pi_ref(chosen)] - [log pi(rejected) - log pi_ref(rejected)], summed over tokens, never
averaged (Tang et al. 2024, 2402.05749, eq. 5). Every f has f'(0) < 0; its docstring says if it is not convex. beta
scales rho inside f and is used nowhere else.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from bench.core.finite import OF_POLICY, demand_finite
from bench.core.types import Pairs, stack
from bench.lm.logprobs import sequence_logps
from bench.lm.policy import Policy
from bench.losses.base import Loss
from bench.losses.margin import built_in

F_of_margin = Callable[[Float[Tensor, " B"]], Float[Tensor, " B"]]


def conservative(f: F_of_margin, flipped: float, x: Float[Tensor, " B"]) -> Float[Tensor, " B"]:
    """(1 - e) f(x) + e f(-x): label smoothing, the expected loss when a share e of labels is flipped.

    With the logistic f it is cDPO (Mitchell 2023); margins are then finite even for labels that never vary.
    """
    return (1 - flipped) * f(x) + flipped * f(-x)


def robust(f: F_of_margin, flipped: float, x: Float[Tensor, " B"]) -> Float[Tensor, " B"]:
    """((1 - e) f(x) - e f(-x)) / (1 - 2 e): its mean over labels flipped with chance e is f of the true label.

    With the logistic f it is robust DPO (Chowdhury et al. 2024, 2403.00409, eq. 6). Not bounded below where f grows
    without bound on the wrong side.
    """
    return ((1 - flipped) * f(x) - flipped * f(-x)) / (1 - 2 * flipped)


NOISE_MODELS = {"conservative": conservative, "robust": robust}
"""Corrections for a share of flipped labels, by the name that configs use."""


def at_zero(f: F_of_margin) -> tuple[float, float]:
    """f'(0) and f''(0), by automatic differentiation in float64."""
    x = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    (first,) = torch.autograd.grad(f(x).sum(), x, create_graph=True)
    if not first.requires_grad:
        return first.item(), 0.0
    (second,) = torch.autograd.grad(first.sum(), x, allow_unused=True)
    return first.item(), 0.0 if second is None else second.item()


def logratios(policy: Policy, pairs: Pairs) -> tuple[Float[Tensor, " B"], Float[Tensor, " B"]]:
    """log pi - log pi_ref of the chosen and of the rejected responses, in nats per sequence."""
    chosen_B, rejected_B = sequence_logps(policy, stack(pairs.chosen, pairs.rejected)).chunk(2)
    demand_finite("the policy's log-prob of the chosen side", chosen_B, OF_POLICY)
    demand_finite("the policy's log-prob of the rejected side", rejected_B, OF_POLICY)
    return chosen_B - pairs.ref_chosen_B, rejected_B - pairs.ref_rejected_B


@final
class Preference(Loss):
    """E[f(beta * rho)] over a batch of pairs; one pass. `function` is f where it is not built in.

    Logged beside it are the two terms of its expansion at pi_ref (Tang et al. 2024, 2402.05749): f'(0) beta E[rho],
    which optimises the preference, and f''(0)/2 beta^2 E[rho^2], the offline regularisation.
    """

    def __init__(
        self,
        f: str,
        beta: float,
        flipped: float = 0.0,
        noise_model: str = "conservative",
        function: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.name = f"{f}_{noise_model}" if flipped else f
        plain = function or built_in(f)
        self.f = partial(NOISE_MODELS[noise_model], plain, flipped) if flipped else plain
        self.beta, self.at_zero = beta, at_zero(self.f)

    def minibatches(self, policy: Policy, batch: Pairs, generator: torch.Generator) -> Iterator[Pairs]:
        """The pairs whose sides differ. A batch of equal ones alone is kept: its gradient is 0."""
        differs_B = ~batch.equal_B
        yield batch if differs_B.all() or not differs_B.any() else batch[differs_B]

    def forward(self, policy: Policy, minibatch: Pairs) -> tuple[Float[Tensor, ""], dict[str, float]]:
        chosen_B, rejected_B = logratios(policy, minibatch)
        margin_B = chosen_B - rejected_B
        rho_B, (first, second) = margin_B.detach(), self.at_zero
        info = {
            "preference_term": first * self.beta * rho_B.mean().item(),
            "regularization_term": second / 2 * self.beta**2 * rho_B.square().mean().item(),
            "chosen_logratio": chosen_B.detach().mean().item(),
            "rejected_logratio": rejected_B.detach().mean().item(),
            "pair_accuracy": (rho_B > 0).float().mean().item(),
            "tokens": float(minibatch.chosen.lengths.sum() + minibatch.rejected.lengths.sum()),
        }
        return self._of_margin(self.beta * margin_B).mean(), info

    def _of_margin(self, x_B: Float[Tensor, " B"]) -> Float[Tensor, " B"]:
        """f at each margin. It and, in the backward pass, its slope must be finite."""
        name, advice = f"f = {self.name!r}", "f needs a finite value and slope at every margin: bound it, or lower beta"
        at = "the margin beta rho", x_B.detach()
        loss_B = self.f(x_B)
        demand_finite(name, loss_B, advice, at=at)
        if x_B.requires_grad:
            x_B.register_hook(lambda slope_B: demand_finite(f"the slope of {name}", slope_B, advice, at=at))
        return loss_B

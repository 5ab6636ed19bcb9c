"""What an f owes as a preference loss: it is applied to beta * rho of each pair, and its mean is minimised."""

from collections.abc import Callable

import torch
from torch import Tensor

from bench.checks.plugins.kit import demand

F = Callable[[Tensor], Tensor]
GRID = torch.linspace(-80, 80, 321, dtype=torch.float64)  # holds 0
ROUNDING = 1e-12  # vector instructions round the ends of an array otherwise
STEP, SLOPE_ERROR = 1e-5, 1e-6  # central differences: STEP^2 f''' / 6, and rounding of 1e-16 |f| / STEP


def values(f: F, x: Tensor) -> Tensor:
    """f(x), which must be one number a pair, in the type that came in."""
    y = f(x)
    demand(y.shape == x.shape, f"f of {tuple(x.shape)} numbers gives shape {tuple(y.shape)}")
    demand(y.dtype == x.dtype, f"f turns {x.dtype} into {y.dtype}")
    return y


def shape(f: F) -> None:
    """One number a pair, in the type that came in."""
    for x in (GRID, GRID.float(), GRID[:1], GRID[:0]):
        values(f, x)


def each_pair_by_itself(f: F) -> None:
    """f(x) of a pair depends on no other pair."""
    for part in (GRID[7:9], GRID.flip(0)[:99]):
        together = values(f, GRID)[torch.searchsorted(GRID, part)]
        alike = torch.allclose(values(f, part), together, rtol=ROUNDING, atol=0)
        demand(alike, "f of a pair depends on the pairs beside it")


def finite(f: F) -> None:
    """Values and slopes in float32: everywhere, and for margins up to 40."""
    x = GRID.float().requires_grad_()
    (slope,) = torch.autograd.grad(values(f, x).sum(), x)
    odd = x[~torch.isfinite(values(f, x))]
    demand(not len(odd), f"f is not finite at x = {odd[:1].tolist()}")
    odd = x[(x.abs() <= 40) & ~torch.isfinite(slope)]
    demand(not len(odd), f"the slope of f is not finite at x = {odd[:1].tolist()}")


def pulls_the_right_way(f: F) -> None:
    """f >= 0, and f'(0) < 0: at pi_ref the chosen side gains."""
    x = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(values(f, x).sum(), x)
    demand(slope.item() < 0, f"f'(0) is {slope.item():.3g}; it must be negative, or the rejected side gains")
    least = values(f, GRID).min().item()
    demand(least >= 0, f"f falls to {least:.3g}; a classification loss is not negative")


def slope_is_its_own(f: F) -> None:
    """Backpropagation gives f's slope: nothing in f is detached. Off the grid's round numbers, where kinks stand."""
    x = (torch.linspace(-8, 8, 33, dtype=torch.float64) + 0.0137).requires_grad_()
    (slope,) = torch.autograd.grad(values(f, x).sum(), x)
    with torch.no_grad():
        want = (values(f, x + STEP) - values(f, x - STEP)) / (2 * STEP)
    off = (slope - want).abs() > SLOPE_ERROR * want.abs().clamp_min(1)
    first = [t[off][:1].tolist() for t in (x, slope, want)]
    demand(not off.any(), "at x = {} backpropagation gives {}, differences of f {}".format(*first))


F_CHECKS: dict[str, Callable[[F], None]] = {
    "shape": shape,
    "each pair by itself": each_pair_by_itself,
    "finite": finite,
    "pulls the right way": pulls_the_right_way,
    "slope is its own": slope_is_its_own,
}

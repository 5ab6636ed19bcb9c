"""Checks of an f as a preference loss. Training minimises the mean of f(beta * rho) over pairs."""

from collections.abc import Callable

import torch
from torch import Tensor

from bench.checks.plugins.kit import demand

F = Callable[[Tensor], Tensor]
GRID = torch.linspace(-80, 80, 321, dtype=torch.float64)  # includes 0
ROUNDING = 1e-12  # vector instructions round the ends of an array differently
STEP, SLOPE_ERROR = 1e-5, 1e-6  # central differences: truncation STEP^2 f''' / 6, rounding 1e-16 |f| / STEP


def values(f: F, x: Tensor) -> Tensor:
    """f(x), which must have the shape and dtype of x."""
    y = f(x)
    demand(y.shape == x.shape, f"f maps shape {tuple(x.shape)} to shape {tuple(y.shape)}; return one number per pair")
    demand(y.dtype == x.dtype, f"f maps {x.dtype} to {y.dtype}; keep the dtype")
    return y


def shape(f: F) -> None:
    """f returns one number per pair, with the dtype of its input."""
    for x in (GRID, GRID.float(), GRID[:1], GRID[:0]):
        values(f, x)


def each_pair_by_itself(f: F) -> None:
    """f(x) of a pair does not depend on other pairs."""
    for part in (GRID[7:9], GRID.flip(0)[:99]):
        together = values(f, GRID)[torch.searchsorted(GRID, part)]
        alike = torch.allclose(values(f, part), together, rtol=ROUNDING, atol=0)
        demand(alike, "f of a pair depends on the other pairs of the batch; apply f to each pair alone")


def remembers_nothing(f: F) -> None:
    """The same numbers have the same loss when they come again, whatever came between, bit for bit."""
    other = GRID[::2]
    for first, second in ((GRID, other), (other, GRID)):
        before = values(f, first)
        at_once = values(f, first)
        values(f, second)
        alike = torch.equal(at_once, before) and torch.equal(values(f, first), before)
        demand(alike, "f of the same numbers is another when they come again; keep no state between calls")


def finite(f: F) -> None:
    """In float32, values are finite everywhere and slopes for margins up to 40."""
    x = GRID.float().requires_grad_()
    (slope,) = torch.autograd.grad(values(f, x).sum(), x)
    odd = x[~torch.isfinite(values(f, x))]
    demand(not len(odd), f"f is not finite at x = {odd[:1].tolist()}")
    odd = x[(x.abs() <= 40) & ~torch.isfinite(slope)]
    demand(not len(odd), f"the slope of f is not finite at x = {odd[:1].tolist()}")


def pulls_the_right_way(f: F) -> None:
    """f >= 0, and f'(0) < 0, so that training from pi_ref favours the chosen side."""
    x = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(values(f, x).sum(), x)
    demand(slope.item() < 0, f"f'(0) is {slope.item():.3g}; it must be negative to favour the chosen side")
    least = values(f, GRID).min().item()
    demand(least >= 0, f"the minimum of f is {least:.3g}; a classification loss must not be negative")


def slope_matches_differences(f: F) -> None:
    """Backpropagation gives the slope of f: nothing is detached. The points avoid round numbers, where kinks lie."""
    x = (torch.linspace(-8, 8, 33, dtype=torch.float64) + 0.0137).requires_grad_()
    (slope,) = torch.autograd.grad(values(f, x).sum(), x)
    with torch.no_grad():
        want = (values(f, x + STEP) - values(f, x - STEP)) / (2 * STEP)
    off = (slope - want).abs() > SLOPE_ERROR * want.abs().clamp_min(1)
    first = [t[off][:1].tolist() for t in (x, slope, want)]
    demand(not off.any(), "at x = {} backpropagation gives {}, but finite differences of f give {}".format(*first))


F_CHECKS: dict[str, Callable[[F], None]] = {
    "shape": shape,
    "each pair by itself": each_pair_by_itself,
    "remembers nothing": remembers_nothing,
    "finite": finite,
    "pulls the right way": pulls_the_right_way,
    "slope matches differences": slope_matches_differences,
}

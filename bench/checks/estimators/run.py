"""Run the checks and print the table. `GROUPS` lists all of them. The command line calls `selfcheck`."""

import time
from collections.abc import Mapping, Sequence

import torch
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench.checks.estimators import (
    best_of_n,
    generator,
    kl,
    losses,
    minimisers,
    online,
    policy_gradient,
    targets,
    transformer,
    units,
)
from bench.checks.estimators.check import Check, Measured
from bench.checks.estimators.training import clipping, governor, loop
from bench.errors import ConfigError, did_you_mean

GROUPS: dict[str, Mapping[str, Check]] = {
    "generator": generator.CHECKS,
    "transformer": transformer.CHECKS,
    "kl": kl.CHECKS,
    "losses": losses.CHECKS,
    "minimisers": minimisers.CHECKS,
    "policy-gradient": policy_gradient.CHECKS,
    "clipping": clipping.CHECKS,
    "loop": loop.CHECKS,
    "governor": governor.CHECKS,
    "targets": targets.CHECKS,
    "online": online.CHECKS,
    "best-of-n": best_of_n.CHECKS,
    "units": units.CHECKS,
}
"""Every check, by group and name."""

TABLE_WIDTH = 100


def chosen(words: Sequence[str]) -> list[tuple[str, str, Check]]:
    """Select (group, name, check) by group or `group/name`; all by default. Raises ConfigError."""
    every = [(group, name, check) for group, checks in GROUPS.items() for name, check in checks.items()]
    legal = [*GROUPS, *(f"{group}/{name}" for group, name, _ in every)]
    for word in words:
        if word not in legal:
            raise ConfigError(
                f"unknown check {word!r}; choose from {', '.join(GROUPS)}, or GROUP/NAME{did_you_mean(word, legal)}"
            )
    return [c for c in every if not words or c[0] in words or f"{c[0]}/{c[1]}" in words]


def selfcheck(words: Sequence[str]) -> int:
    """Run the selected checks, print each number beside its expected value, and return 1 if any is wrong."""
    checks, started, console = chosen(words), time.monotonic(), wide_console()
    torch.set_num_threads(1)  # the world is tiny, and a number must not depend on the machine's cores
    results: list[tuple[str, str, Measured]] = []
    with console.status("") as status:
        for group, name, check in checks:
            status.update(f"{group}/{name}")
            results.append((group, name, check()))
    console.print(table(results))
    off = sum(not measured.ok for _, _, measured in results)
    console.print(f"{len(results)} checks, {off} off, in {time.monotonic() - started:.0f} s")
    return 1 if off else 0


def wide_console() -> Console:
    """A console at least as wide as the table, on terminals of any width."""
    console = Console()
    console.width = max(console.width, TABLE_WIDTH)
    return console


def table(results: Sequence[tuple[str, str, Measured]]) -> Table:
    """One row per check, one section per group. `allowed` is the tolerance."""
    grid = Table(box=None, pad_edge=False, header_style="bold")
    grid.add_column("check", no_wrap=True)
    for title in ("expected", "got", "error", "allowed"):
        grid.add_column(title, justify="right", no_wrap=True)
    grid.add_column("verdict", no_wrap=True)
    previous = ""
    for group, name, measured in results:
        if group != previous:
            grid.add_row(f"[bold]{group}[/bold]")
            previous = group
        numbers = f"{measured.got:.6g}", f"{measured.error:.1e}", f"{measured.tolerance:.1e}"
        verdict = "ok" if measured.ok else "[bold red]MISMATCH[/bold red]"
        grid.add_row(f"  {escape(name)}", f"{measured.side} {measured.expected:.6g}", *numbers, verdict)
    return grid

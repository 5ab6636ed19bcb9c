"""Numbers of a run that more than one section needs, each computed when it is first used and then kept.

Gold at a KL, differences there, means over replicates, hump tests, gaps between paths, resamples. `analysis` owns one
`Values` a page; the other modules of this package compute peaks, claims, fits and more from it.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bench.stats.bootstrap import Resamples
from bench.stats.curves import WINDOW, Curve
from bench.stats.estimate import Estimate
from bench.stats.matched import Matched, at_kl, difference_over
from bench.stats.replicates import Band, mean_curve, value_over
from bench.stats.verdicts.hump import HumpVerdict, hump_test
from bench.stats.verdicts.two_settings import gold_at
from reports.analysis.gaps import Gaps, gaps_along
from reports.analysis.resampling import Resampling
from reports.read.cell import Cell
from reports.read.run import RunData

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Values:
    """Shared numbers of `run`. Curves are compared by identity: a changed copy of a cell has its own numbers."""

    run: RunData
    resampling: Resampling = field(default_factory=Resampling)
    _kept: dict[Hashable, Any] = field(default_factory=dict)

    def resamples(self, draws: int) -> Resamples | None:
        """Resampled report prompts for all trained cells; None without samples."""
        return self.resampling.of([c.curve for c in self.run.trained if c.curve.prompts > 1], draws)

    def at_kl(self, cell: Cell, kl: float, reach: float = WINDOW) -> Matched:
        """One cell's gold at `kl` nats."""
        return self._once(("at_kl", cell.curve, kl, reach), lambda: at_kl(cell.curve, kl, reach))

    def difference(self, ones: Sequence[Cell], others: Sequence[Cell], kl: float, reach: float = WINDOW) -> Estimate:
        """Gold of `ones` minus `others` at `kl` nats, replicate by replicate."""
        sides = ([self.at_kl(c, kl, reach) for c in cells] for cells in (ones, others))
        key = ("difference", _curves(ones), _curves(others), kl, reach)
        return self._once(key, lambda: difference_over(*sides))

    def value(self, cells: Sequence[Cell], kl: float) -> Estimate:
        """Gold of a setting at `kl` nats: the t mean over replicates, or the first one's."""
        return self._once(("value", _curves(cells), kl), lambda: value_over(_curves(cells), kl))

    def claimed(self, cells: Sequence[Cell], kl: float) -> Estimate:
        """Gold of a setting at `kl` nats as claims read it, with a wider reach than `value`."""
        return self._once(("claimed", _curves(cells), kl), lambda: gold_at(_curves(cells), kl))

    def mean(self, cells: Sequence[Cell], column: str) -> Band | None:
        """The mean of a column of the rows over replicates, along d; None with too few of them."""

        def compute() -> Band | None:
            values = [c.rows[column].to_numpy(dtype=float) for c in cells]
            return mean_curve([c.curve.d for c in cells], values)

        return self._once(("mean", _curves(cells), column), compute)

    def hump(self, cells: Sequence[Cell], kl: float, *, proxy_rises: bool = True) -> HumpVerdict:
        """The hump test of a setting, read at `kl` nats."""
        key = ("hump", _curves(cells), kl, proxy_rises)
        return self._once(key, lambda: hump_test(_curves(cells), kl, proxy_rises=proxy_rises))

    def gaps(self, one: Cell, other: Cell) -> Gaps:
        """The difference of two cells' margins on the same batches, along training."""
        key = ("gaps", one.curve, other.curve)
        return self._once(key, lambda: gaps_along(self.run.log(one), self.run.log(other)))

    def _once(self, key: Hashable, make: Callable[[], T]) -> T:
        if key not in self._kept:
            self._kept[key] = make()
        kept: T = self._kept[key]
        return kept


def _curves(cells: Sequence[Cell]) -> tuple[Curve, ...]:
    return tuple(cell.curve for cell in cells)

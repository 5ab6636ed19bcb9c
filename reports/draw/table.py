"""What a table is: numbers for the CSV, text for the page. `tables`, `audits` and others make them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.stats.estimate import Estimate
from reports.draw.style import method_label
from reports.read.load import Cell, RunData

DASH = "–"  # noqa: RUF001
_LONG, _FOLDED = 16, ("ledger", "config", "stages")  # rows; tables that few will read whole
_WORDS = ("hump", "note", "")  # heads of columns of words, wherever they stand


@dataclass(frozen=True)
class Value:
    """A text that leads to a row, or that has something to say when asked: why it is a dash, what its interval is."""

    text: str
    row_id: str = ""
    why: str = ""


Row = tuple[str | Value, ...]


@dataclass(frozen=True, eq=False)
class Table:
    """`data` is the CSV; `body` what the page shows under `head`. `text` counts the leading columns of words."""

    name: str
    title: str
    note: str
    data: pd.DataFrame
    head: tuple[str, ...]
    body: tuple[Row, ...]
    text: int = 1

    @property
    def folded(self) -> bool:
        """Whether the page shows it only when asked to."""
        return len(self.body) > _LONG and self.name in _FOLDED

    def is_words(self, column: int) -> bool:
        return column < self.text or self.head[column] in _WORDS


def missing(why: str) -> Value:
    """A dash, and why."""
    return Value(DASH, why=why)


def interval(value: Estimate) -> str:
    """`0.53 [0.29, 0.77]`, or a dash."""
    if not value.defined:
        return DASH
    ends = f" [{value.low:.2f}, {value.high:.2f}]" if value.has_interval else ""
    return f"{value.point:.2f}{ends}".replace("-", "−")  # noqa: RUF001


def named(cell: Cell, run: RunData) -> str:
    """A setting in words: method, coefficient, and the proxy where there are several."""
    parts = [method_label(cell.method)]
    if np.isfinite(cell.beta):
        parts.append(f"β = {cell.beta:g}")
    if run.several_proxies(cell.method):
        parts.append(f"{cell.proxy_name.replace('_', '-')} proxy")
    return ", ".join(parts)


def probability(p: float) -> str:
    """A p-value to two digits, from 0.0001 to 1."""
    return "< 0.0001" if p < 1e-4 else f"{p:.2g}"

"""A table: numbers for the CSV, text for the page. `sections` make them."""

from dataclasses import dataclass

import pandas as pd

from bench.stats.estimate import Estimate, plus_minus

DASH = "–"  # noqa: RUF001
_LONG, _FOLDED = 16, ("ledger", "config", "stages")  # rows; tables that few will read whole
_WORDS = ("hump", "note", "")  # heads of columns of words, wherever they stand


@dataclass(frozen=True)
class Value:
    """A text that links to a row, or explains itself on hover: why it is a dash, how its interval was made."""

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
        """True if the page folds it away."""
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


def with_interval(value: Estimate) -> Value:
    """As `interval`, with how the interval was made; a dash says why."""
    if not value.defined:
        return missing(value.reason)
    return Value(interval(value), why=_how(value) + (f"; {value.reason}" if value.reason else ""))


def with_error(value: Estimate) -> Value:
    """`+0.53 ± 0.24`, half of the interval, with how it was made."""
    if not value.defined:
        return missing(value.reason)
    how = _how(value) + (f"; {value.reason}" if value.reason else "")
    return Value(plus_minus(value.point, value.error, True, decimals=2), why=how)


def difference(value: Estimate) -> Value:
    """As `with_error`, with whether the interval excludes 0."""
    if not value.defined:
        return missing(value.reason)
    clear = value.has_interval and (value.low > 0 or value.high < 0)
    how = f"{_how(value)}; " + ("clear of 0" if clear else "not clear of 0")
    return Value(plus_minus(value.point, value.error, True, decimals=2), why=how)


def interval_columns(name: str, value: Estimate) -> dict[str, object]:
    """Columns of a CSV: the point, the ends of its interval, and why any of them is missing."""
    return {name: value.point, f"{name}_low": value.low, f"{name}_high": value.high, f"{name}_reason": value.reason}


def _how(value: Estimate) -> str:
    return f"{value.method}, n = {value.n}"


def probability(p: float) -> str:
    """A p-value to two digits, from 0.0001 to 1."""
    return "< 0.0001" if p < 1e-4 else f"{p:.2g}"

"""A section of a page: an id, a title, and functions that make its figures and tables.

A section of a run's page takes the run's `Analysis`; a section of a comparison takes the runs. `registry` lists the
sections of a run's page, `page` makes and shows them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from reports.draw.figure import Figure
from reports.draw.table import Table

Item = Figure | Table
Subject = TypeVar("Subject")


@dataclass(frozen=True)
class Section(Generic[Subject]):
    """`items` appear in this order, without those that are None or empty; `files` are written as CSV only.

    A section without items to show is left out of the page.

    Example:
        def lengths(analysis: Analysis) -> Figure | None: ...

        SECTION = Section("lengths", "How long are the responses?", (lengths,))
    """

    id: str  # the anchor on the page
    title: str
    items: tuple[Callable[[Subject], Item | None], ...]
    files: tuple[Callable[[Subject], Table], ...] = ()

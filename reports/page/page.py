"""A page as plain data for the templates: sections of figures and tables, and the data they carry.

`make` and `comparison` build one; `html` renders it.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from reports.draw.figure import Figure, Key
from reports.draw.interactive import panel_json
from reports.draw.style import method_color, method_label
from reports.draw.table import Table
from reports.read.kind import REFERENCE, Kind
from reports.sections.section import Item, Section, Subject


@dataclass(frozen=True, eq=False)
class Made:
    """A section's figures and tables. `items` are shown; `files` are tables that are written as CSV alone."""

    name: str
    title: str
    items: tuple[Item, ...]
    files: tuple[Table, ...]


@dataclass(frozen=True, eq=False)
class Page:
    """One page. `rows` are its policies as columns, `packs` texts that the script unpacks on demand."""

    title: str
    kinds: tuple[Kind, ...]
    sections: tuple[Made, ...]
    rows: Mapping[str, Any]
    packs: Mapping[str, str]
    hero: Figure | None = None
    before: tuple[tuple[str, str], ...] = field(default=())  # contents above the sections: (name, title)
    after: tuple[tuple[str, str], ...] = field(default=())

    @property
    def figures(self) -> list[Figure]:
        below = [item for section in self.sections for item in section.items if isinstance(item, Figure)]
        return ([self.hero] if self.hero else []) + below

    @property
    def contents(self) -> list[tuple[str, str]]:
        return [*self.before, *((s.name, s.title) for s in self.sections), *self.after]

    @property
    def switches(self) -> tuple[Key, ...]:
        """The legend of the whole page, which switches methods on and off in every figure."""
        trained = (kind for kind in self.kinds if kind.does != REFERENCE)
        return tuple(Key(method_label(kind), method_color(kind), method=kind.method) for kind in trained)

    @property
    def names(self) -> dict[str, str]:
        return {kind.method: method_label(kind) for kind in self.kinds}

    @cached_property
    def panels(self) -> dict[str, list[dict[str, Any]]]:
        places = {row_id: i for i, row_id in enumerate(self.rows["ids"])}
        return {figure.name: panel_json(figure, places) for figure in self.figures}


def fill(sections: Iterable[Section[Subject]], subject: Subject) -> tuple[Made, ...]:
    """Make every section of `subject`. Figures that are None and tables without lines are left out."""
    found = []
    for section in sections:
        items = tuple(item for make in section.items if not _empty(item := make(subject)) and item is not None)
        files = tuple(table for make in section.files if not _empty(table := make(subject)))
        found.append(Made(section.id, section.title, items, files))
    return tuple(found)


def _empty(item: Item | None) -> bool:
    return item is None or (isinstance(item, Table) and not item.body)


def flat(value: Any, name: str = "") -> list[tuple[str, str]]:
    """Nested JSON as (dotted name, text) pairs."""
    if isinstance(value, Mapping):
        return [pair for key, inner in value.items() for pair in flat(inner, f"{name}.{key}" if name else str(key))]
    return [(name, value if isinstance(value, str) else json.dumps(value))]

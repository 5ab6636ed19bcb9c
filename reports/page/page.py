"""What a page shows, as plain data for the templates: sections of figures and tables, and the data they carry.

`make` and `comparison` build one; `html` renders it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from reports.draw.figure import Figure, Key
from reports.draw.interactive import panel_json
from reports.draw.style import method_color, method_label
from reports.draw.table import Table

Item = Figure | Table


@dataclass(frozen=True, eq=False)
class Section:
    """A heading and what stands under it."""

    name: str
    title: str
    items: tuple[Item, ...]


@dataclass(frozen=True, eq=False)
class Page:
    """One page. `rows` are its policies as columns, `packs` texts that the script opens when asked."""

    title: str
    methods: tuple[str, ...]
    sections: tuple[Section, ...]
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
        return tuple(Key(method_label(m), method_color(m), method=m) for m in self.methods)

    @property
    def names(self) -> dict[str, str]:
        return {method: method_label(method) for method in self.methods} | {"reference": method_label("reference")}

    @cached_property
    def panels(self) -> dict[str, list[dict[str, Any]]]:
        places = {row_id: i for i, row_id in enumerate(self.rows["ids"])}
        return {figure.name: panel_json(figure, places) for figure in self.figures}


def arranged(order: Sequence[tuple[str, str, tuple[str, ...]]], items: Sequence[Item]) -> tuple[Section, ...]:
    """Sections in a fixed order, without the items that this run does not have."""
    found, by_name = [], {item.name: item for item in items if not _empty(item)}
    for name, title, names in order:
        own = tuple(by_name[n] for n in names if n in by_name)
        if own:
            found.append(Section(name, title, own))
    return tuple(found)


def _empty(item: Item) -> bool:
    return isinstance(item, Table) and not item.body


def flat(value: Any, name: str = "") -> list[tuple[str, str]]:
    """Nested JSON as (dotted name, text) pairs."""
    if isinstance(value, Mapping):
        return [pair for key, inner in value.items() for pair in flat(inner, f"{name}.{key}" if name else str(key))]
    return [(name, value if isinstance(value, str) else json.dumps(value))]

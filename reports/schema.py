"""The data dictionary docs/schema.md, made from the tables' schemas: `python -m reports.schema` writes it anew."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa

from bench.core.schema import RUN_TABLES, STAGE_TABLES, Columns
from reports.columns import results, trust

TABLES: Mapping[str, Columns] = {**results.TABLES, **trust.TABLES}
PAGE = Path(__file__).parents[1] / "docs" / "schema.md"
_TYPES = {pa.string(): "text", pa.int64(): "int64", pa.float64(): "float64", pa.bool_(): "bool"}
_HEAD = """# Data dictionary

Made by `python -m reports.schema` from `bench/core/schema.py` and `reports/columns/`; a test holds it equal to them.

A *gold sd* is gold's standard deviation within a prompt over pi_ref samples; pi_ref scores 0 in it. A *rubric sd* is
the rubric's. A *raw score* is a model's own number; two models' cannot be compared. *Nats a sequence* are of the
response alone, at temperature 1. A value that could not be computed is null, never 0.
"""
_PARTS = """
## Tables of a run

In the run folder, as Parquet. `row_id` links samples to rows, `text_id` links the pool to its texts, `proxy_id` and
`prompt_id` are the same in all. `<part>` stands for each part of the world's rubric.
"""
_STAGES = """
## Tables of stored stages

In the store, `<kind>/<key>/<file>`. Stages `measure`, `null` and `bon` hold tables of the run, where `row_id` lacks the
cell, and columns that only the plan knows are null.
"""
_CSV = """
## CSV files of a report

In `tables/`. A CSV has no types: an empty field is null. `figures/*.csv` hold the points that are drawn, under `panel`,
`series`, the labels of the axes with their units, and `low` and `high`, the ends of bands in the vertical axis's unit.
"""


def schema_page() -> str:
    """The text of docs/schema.md."""
    csv = {f"{name}.csv": columns for name, columns in TABLES.items()}
    return "\n".join([_HEAD, *_listed(_PARTS, RUN_TABLES), *_listed(_STAGES, STAGE_TABLES), *_listed(_CSV, csv)])


def _listed(head: str, tables: Mapping[str, Columns]) -> Iterator[str]:
    yield head.lstrip("\n")
    for name, columns in tables.items():
        yield f"### {name}\n"
        yield "| column | type | unit | meaning | null |\n|---|---|---|---|---|"
        for column, about in columns.items():
            fields = (f"`{column}`", _TYPES[about.type], about.unit, about.meaning, about.null or "never")
            yield f"| {' | '.join(field.replace('|', chr(92) + '|') for field in fields)} |"
        yield ""


if __name__ == "__main__":
    PAGE.write_text(schema_page(), encoding="utf-8")

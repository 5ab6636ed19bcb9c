"""Writes the figures and tables of a page: PNG (and PDF where wanted) and CSV. `make` and `comparison` call it."""

from collections.abc import Sequence
from pathlib import Path

from bench.errors import ConfigError
from reports.draw.figure import Figure
from reports.draw.png import write_image
from reports.draw.table import Table
from reports.page.page import Made


def write_files(folder: Path, hero: Figure | None, made: Sequence[Made], *, pdf: bool) -> dict[str, str]:
    """Write figures/ and tables/ and return the CSV texts by path, figures first."""
    for directory in ("figures", "tables"):
        (folder / directory).mkdir(parents=True, exist_ok=True)
    items = [*([hero] if hero else []), *(item for section in made for item in (*section.items, *section.files))]
    if len({(type(item), item.name) for item in items}) < len(items):
        names = sorted(item.name for item in items)
        raise ConfigError(f"two figures or two tables have one name; rename one of {', '.join(names)}")
    figures = [item for item in items if isinstance(item, Figure)]
    data = {f"figures/{figure.name}.csv": figure.table() for figure in figures}
    data |= {f"tables/{table.name}.csv": table.data for table in items if isinstance(table, Table)}
    files = {path: table.to_csv(index=False, float_format="%.6g") for path, table in data.items()}
    for path, text in files.items():
        (folder / path).write_text(text, encoding="utf-8")
    for figure in figures:
        for kind in ("png", "pdf") if pdf else ("png",):
            write_image(figure, folder / "figures" / f"{figure.name}.{kind}")
    return files

"""A toy measurement: a row of what the training saved; it fails where the training did not end."""

from typing import Any

from bench.core.records import ROW_COLUMNS, frame, write_parquet
from bench.engine.files import read_json
from bench.engine.stage import Context
from bench.errors import UnfinishedError


def run(context: Context) -> dict[str, Any]:
    manifest = read_json(context.inputs["train"] / "manifest.json")
    row = {"row_id": "5", "step": 5, "kl": 0.5, "gold": 0.1, "proxy": 0.2, "status": "ok"}
    write_parquet(frame([row], ROW_COLUMNS), context.folder / "rows.parquet")
    if "partial" in manifest:
        raise UnfinishedError(manifest["partial"])
    return {}

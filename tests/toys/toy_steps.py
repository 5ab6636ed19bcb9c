"""A toy cell that trains for some steps, with TRL's kind of bar, and continues from its last checkpoint."""

import shutil
import time
from typing import Any

from tqdm import tqdm

from bench.core.records import ROW_COLUMNS, SAMPLE_COLUMNS, frame, write_parquet
from bench.engine.files import point_to, read_json, write_json
from bench.engine.stage import Context


def run(context: Context) -> dict[str, Any]:
    """One row a step. Every row hangs on the one before, so that a step lost or done twice shows."""
    folder, latest = context.folder, context.folder / "checkpoint.json"
    rows: list[dict[str, Any]] = (
        read_json(folder / read_json(latest)["folder"] / "rows.json") if latest.exists() else []
    )
    shared = int((context.inputs["shared"] / "value").read_text())
    for step in tqdm(range(len(rows), context.config["steps"])):
        time.sleep(context.config["step_s"])
        gold = (rows[-1]["gold"] if rows else 0.5) * 3.7 % 1 + shared
        identity = {"row_id": str(step), "step": step, "status": "ok"}
        rows.append({**identity, "kl": 0.1 * step, "gold": gold, "proxy": gold / 2, "n_prompts": 1})
        context.report({"step": step, "steps": context.config["steps"], "kl": 0.1 * step})
        _checkpoint(context, rows)
    write_parquet(frame(rows, ROW_COLUMNS), folder / "rows.parquet")
    texts = [{"row_id": row["row_id"], "split": "report", "prompt_id": "p", "response": "hi"} for row in rows]
    write_parquet(frame(texts, SAMPLE_COLUMNS), folder / "samples.parquet")
    latest.unlink()
    for item in folder.glob("checkpoint-*"):
        shutil.rmtree(item)
    return {"rows": len(rows)}


def _checkpoint(context: Context, rows: list[dict[str, Any]]) -> None:
    folder = context.folder / f"checkpoint-{len(rows)}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    write_json(folder / "rows.json", rows)
    write_parquet(frame(rows, ROW_COLUMNS), context.folder / "rows.parquet")
    point_to(context.folder / "checkpoint.json", folder)

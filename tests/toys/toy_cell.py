"""A toy cell: writes the files of a cell's artifact, or ends as `config["act"]` says."""

from typing import Any

from bench.core.records import ROW_COLUMNS, SAMPLE_COLUMNS, frame, write_parquet
from bench.engine.stage import Context


def run(context: Context) -> dict[str, Any]:
    """Two rows; the second is where a divergence is told, and where a crash happens."""
    act = context.config.get("act")
    good = {"status": "ok", "kl": 0.5, "gold": 0.1, "proxy": 0.2, "step": 0, "n_prompts": 1}
    rows = [{**good, "row_id": "0"}]
    if act == "crash":
        write_parquet(frame(rows, ROW_COLUMNS), context.folder / "rows.parquet")
        raise RuntimeError("the toy cell crashed")
    end = {"status": "diverged", "reason": "KL 1e9"} if act == "diverge" else {**good, "rubric_facts": 1.0}
    rows.append({**end, "step": 5, "row_id": "5"})
    write_parquet(frame(rows, ROW_COLUMNS), context.folder / "rows.parquet")
    text = {"split": "report", "prompt_id": "p", "prompt": "greet", "response": "hi"}
    texts = [{"row_id": row["row_id"], **text} for row in rows]
    write_parquet(frame(texts, SAMPLE_COLUMNS), context.folder / "samples.parquet")
    (context.folder / "log.jsonl").write_text("{}\n")
    (context.folder / "policies" / "5").mkdir(parents=True)
    (context.folder / "policies" / "5" / "config.json").write_text("{}")
    return {"status": end["status"]}

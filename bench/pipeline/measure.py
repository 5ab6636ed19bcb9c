"""Stage `measure`: the policies that a training saved, on fresh samples. A killed stage keeps finished policies."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from bench.core.records import read_parquet, write_parquet
from bench.core.seeds import seed_of
from bench.engine.files import read_json, write_json
from bench.engine.stage import Context
from bench.engine.store import MANIFEST
from bench.errors import UnfinishedError
from bench.measure.evaluate import evaluate
from bench.pipeline.artifacts.training import TrainingArtifact
from bench.pipeline.scoring import open_measurement, open_protocol, sample_table, write_tables

COUNTS = ("step", "samples_seen", "tokens_sampled", "tokens_trained", "labels_used")
PARTS = "parts"


def run(context: Context) -> Mapping[str, Any]:
    """Writes rows.parquet and samples.parquet, without the cell's names: the run folder adds those.

    Raises UnfinishedError, once everything is measured, where the training stopped before its end.
    """
    measurement = open_measurement(context)
    protocol = open_protocol(context, measurement)
    training = TrainingArtifact(context.inputs["train"])
    manifest = read_json(training.folder / MANIFEST)
    beta = manifest["config"]["method"].get("beta")
    seed = seed_of(context.config["stream"], int(context.config["seed"]))
    saved = training.track["saved"]
    rows: list[dict[str, Any]] = []
    samples: list[pd.DataFrame] = []
    (context.folder / PARTS).mkdir(exist_ok=True)
    for entry in saved:
        step = entry["step"]
        columns = {**measurement.columns, **{name: entry[name] for name in COUNTS}}
        if "status" in entry:
            rows.append({**columns, "row_id": entry["status"], "status": entry["status"], "reason": entry["reason"]})
            continue
        part = context.folder / PARTS / f"{step}"
        if not part.with_suffix(".json").exists():
            policy = training.policy(step, context.inputs["sft"], context.device)
            row, table = evaluate(policy, protocol, measurement.scoring, seed, step, beta or None)
            write_parquet(sample_table(table.assign(row_id=str(step))), part.with_suffix(".parquet"))
            write_json(part.with_suffix(".json"), nulls(row))
        row = read_json(part.with_suffix(".json"))
        rows.append({**columns, "row_id": str(step), **row, "status": "ok"})
        samples.append(read_parquet(part.with_suffix(".parquet")))
        write_tables(rows, samples, context.folder)
        context.report(
            {"step": len(rows), "steps": len(saved), **{name: row[name] for name in ("kl", "gold", "proxy")}}
        )
    write_tables(rows, samples, context.folder)
    if "partial" in manifest:
        raise UnfinishedError(manifest["partial"])
    for item in (context.folder / PARTS).iterdir():
        item.unlink()
    (context.folder / PARTS).rmdir()
    return {"status": rows[-1]["status"], "rows": len(rows), "kl": rows[-1].get("kl")}


def nulls(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with NaN as None, as JSON needs it."""
    return {k: None if isinstance(v, float) and v != v else v for k, v in row.items()}

"""Stage `null`: the A/A control. pi_ref measured again and again, as a cell's policies are."""

from collections.abc import Mapping
from typing import Any

from bench.core.seeds import seed_of
from bench.engine.stage import Context
from bench.measure.evaluate import evaluate
from bench.pipeline.scoring import open_measurement, open_protocol, sample_table, write_tables


def run(context: Context) -> Mapping[str, Any]:
    """Writes rows.parquet (one row an evaluation, `step` counting them) and samples.parquet."""
    folder = context.fresh()
    measurement = open_measurement(context)
    protocol = open_protocol(context, measurement)
    seed = seed_of(context.config["stream"], int(context.config["seed"]))
    rows, samples = [], []
    times = int(context.config["evaluations"])
    for step in range(times):
        row, table = evaluate(protocol.reference, protocol, measurement.scoring, seed, step, None)
        rows.append({**measurement.columns, "row_id": str(step), "step": step, **row, "status": "ok"})
        samples.append(sample_table(table.assign(row_id=str(step))))
        context.report({"step": step + 1, "steps": times, **{name: row[name] for name in ("kl", "gold", "proxy")}})
    write_tables(rows, samples, folder)
    return {"status": "ok", "rows": len(rows)}

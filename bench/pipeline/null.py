"""Stage `null`: the A/A control. pi_ref measured again and again, as a cell's policies are."""

from collections.abc import Mapping
from typing import Any

from bench.config.evaluation import EvaluationConfig
from bench.core.seeds import seed_of
from bench.engine.stage import Context
from bench.measure.evaluate import evaluate
from bench.pipeline.measuring import open_bench, open_protocol, sample_table, write_tables


def run(context: Context) -> Mapping[str, Any]:
    """Writes rows.parquet (one row a look, `step` counting looks) and samples.parquet."""
    folder = context.fresh()
    bench = open_bench(context)
    protocol = open_protocol(context, bench, EvaluationConfig.model_validate(context.config["evaluation"]))
    seed = seed_of(bench.static["cell"], int(bench.static["seed"]))
    rows, samples = [], []
    looks = int(context.config["looks"])
    for look in range(looks):
        row, drawn = evaluate(protocol.reference, protocol, bench.judge, seed, look, None)
        row_id = f"{bench.static['cell']}@{look}"
        rows.append({**bench.static, "row_id": row_id, "step": look, **row, "status": "ok"})
        samples.append(sample_table(drawn.assign(row_id=row_id)))
        context.report({"step": look + 1, "steps": looks, "kl": row["kl"], "gold": row["gold"], "proxy": row["proxy"]})
    write_tables(rows, samples, folder)
    return {"status": "ok", "rows": len(rows)}

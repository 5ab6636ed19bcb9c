"""Stage `cell`: one training run, watched by the KL monitor and measured at every saved policy.

A killed cell continues from its last evaluated policy: weights, optimizer, step, counts, monitor and
rows were all written together there, and every random draw is a function of seed and step.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

import pandas as pd
from pydantic import TypeAdapter

from bench.config.evaluation import EvaluationConfig
from bench.config.methods import GOLD, MethodConfig
from bench.core.records import read_parquet, write_parquet
from bench.core.seeds import seed_of
from bench.engine.files import point_to, read_json, write_json
from bench.engine.plugin import plugin_file
from bench.engine.stage import Context
from bench.errors import DivergedError
from bench.lm.codec import encode_prompts
from bench.lm.policy import load_policy
from bench.losses.plugins import own_losses
from bench.measure.evaluate import evaluate
from bench.methods.build import Materials, Method, build_method
from bench.pipeline.artifacts import load_prompts, pairs_of, table_of_pairs
from bench.pipeline.measuring import open_bench, open_protocol, sample_table, write_tables
from bench.samplers.replay import Recorder
from bench.training.loop import Trainer
from bench.training.monitor import Monitor

LATEST = "checkpoint.json"
RECORDED = "pairs.parquet"  # fresh pairs as they were drawn, of a method that another one replays


def run(context: Context) -> Mapping[str, Any]:
    """Writes rows.parquet, samples.parquet, log.jsonl, policies/<step>/, and pairs.parquet if it is to be replayed."""
    return Cell(context).run()


@final
class Cell:
    """A training run and its measurements, resumable at every evaluation."""

    def __init__(self, context: Context) -> None:
        self.context, config = context, context.config
        self.settings = EvaluationConfig.model_validate(config["evaluation"])
        self.beta, self.seed = config["beta"], int(config["static"]["seed"])
        self.bench = open_bench(context)
        self.protocol = open_protocol(context, self.bench, self.settings)
        self.policy = load_policy(context.inputs["sft"], context.device)
        rl = load_prompts(context.inputs["world"], "rl")["prompt"].tolist()
        watched = self.settings.monitor_prompts
        self.method = self._method(rl[watched:])
        self.recorder = Recorder(self.method.sampler) if config.get("record") else None
        sampler = self.recorder or self.method.sampler
        self.trainer = Trainer(
            self.policy, sampler, self.method.loss, self.method.lr, self.method.max_grad_norm, self.seed
        )
        ids = self.bench.tokenizer
        self.monitor = Monitor(
            encode_prompts(ids, rl[:watched]).to(context.device),
            self.protocol.reference,
            self.settings,
            tuple(config["budgets"]),
            self.protocol.max_new_tokens,
            ids.eos_token_id,
            ids.pad_token_id,
            self.seed,
        )
        self.evaluation_seed = seed_of(self.bench.static["cell"], self.seed)
        self.rows: list[dict[str, Any]] = []
        self.samples: list[pd.DataFrame] = []
        self.recorded: list[pd.DataFrame] = []
        self.log: list[str] = []

    def _method(self, prompts: list[str]) -> Method:
        config: MethodConfig = TypeAdapter(MethodConfig).validate_python(self.context.config["method"])
        tokenizer, device, inputs = self.bench.tokenizer, self.context.device, self.context.inputs
        given = Materials(
            reference=self.protocol.reference,  # type: ignore[arg-type]
            score=self.bench.reward,
            gold_label=self.bench.gold_reward,
            prompts=encode_prompts(tokenizer, prompts).to(device),
            pairs=lambda: pairs_of(self.bench.taught, tokenizer, device),
            replayed=lambda: pairs_of(read_parquet(inputs["replayed"] / RECORDED), tokenizer, device),
            max_new_tokens=self.protocol.max_new_tokens,
            eos_id=tokenizer.eos_token_id,
            pad_id=tokenizer.pad_token_id,
            seed=self.seed,
            score_is_gold=self.bench.static["proxy_id"] == GOLD,
            losses=own_losses(self.context.config.get("losses", {}), plugin_file()),
        )
        return build_method(config, self.beta, given)

    def run(self) -> Mapping[str, Any]:
        """Train to the end, measuring on the way. A divergence is a result: the last row says so."""
        if (self.context.folder / LATEST).exists():
            self._resume()
        else:
            self.context.fresh()
            self._measure()
        status = "ok"
        try:
            self._train()
        except DivergedError as error:
            status = "diverged"
            row_id = f"{self.bench.static['cell']}@{status}"
            self.rows.append({**self._columns(), "row_id": row_id, "status": status, "reason": str(error)})
        self._publish()
        return {"status": status, "steps": self.trainer.step, "rows": len(self.rows), "kl": self.rows[-1].get("kl")}

    def _train(self) -> None:
        trainer, monitor = self.trainer, self.monitor
        planned = self.method.steps
        while trainer.step < planned and not monitor.last_passed:
            if self.method.may_settle and monitor.settled(planned):
                break
            entry: dict[str, Any] = trainer.advance()
            if self._looked():
                trainer.pace = monitor.pace
                entry |= {"kl": monitor.kls[-1], "pace": trainer.pace}
                self._progress()
            self.log.append(json.dumps({"step": trainer.step, **entry}))
            if "kl" in entry and monitor.passes():
                self._measure()
        if self.rows[-1]["step"] != trainer.step:
            self._measure()

    def _looked(self) -> bool:
        """Whether this step came with a look at the KL: by its own rollouts, or by the monitor's when they are due."""
        drawn_kl, step = self.trainer.sampler.drawn_kl, self.trainer.step
        if drawn_kl is not None:
            self.monitor.note(step - 1, drawn_kl)
        elif self.monitor.is_due(step):
            self.monitor.look(self.policy, step)
        else:
            return False
        return True

    def _progress(self) -> None:
        row = self.rows[-1]
        self.context.report(
            {
                "step": self.trainer.step,
                "steps": self.method.steps,
                "kl": self.monitor.running,
                "gold": row["gold"],
                "proxy": row["proxy"],
            }
        )

    def _columns(self) -> dict[str, Any]:
        step, counts = self.trainer.step, self.trainer.counts
        return {
            **self.bench.static,
            "row_id": f"{self.bench.static['cell']}@{step}",
            "step": step,
            "samples_seen": counts.samples_seen,
            "tokens_sampled": counts.tokens_sampled,
            "tokens_trained": counts.tokens_trained,
            "labels_used": counts.labels_used,
        }

    def _measure(self) -> None:
        """Evaluate the policy as it is, keep it, and make this the point that a killed cell returns to."""
        step = self.trainer.step
        row, samples = evaluate(
            self.policy, self.protocol, self.bench.judge, self.evaluation_seed, step, self.beta or None
        )
        columns = self._columns()
        self.rows.append({**columns, **row, "status": "ok"})
        self.samples.append(sample_table(samples.assign(row_id=columns["row_id"])))
        if self._keeps_policy():
            self.policy.save(self.context.folder / "policies" / str(step))
        self._checkpoint()
        self._progress()

    def _keeps_policy(self) -> bool:
        """`budgets` keeps the first policy past each budget, which is every `rows_per_budget`-th grid point."""
        if self.settings.save == "budgets":
            return self.monitor.passed > 0 and self.monitor.passed % self.settings.rows_per_budget == 0
        return self.settings.save == "all"

    def _checkpoint(self) -> None:
        folder = self.context.folder / f"checkpoint-{self.trainer.step}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        state = self.trainer.save(folder / "state.safetensors") | {"monitor": self.monitor.state(), "log": self.log}
        self._write_tables(folder)
        write_json(folder / "rows.json", nulls(self.rows))
        write_json(folder / "state.json", state)
        point_to(self.context.folder / LATEST, folder)

    def _write_tables(self, folder: Path) -> None:
        write_tables(self.rows, self.samples, folder)
        if self.recorder is not None:
            self.recorded += [table_of_pairs(pairs, self.bench.tokenizer) for pairs in self.recorder.taken()]
            write_parquet(pd.concat([pd.DataFrame(), *self.recorded], ignore_index=True), folder / RECORDED)

    def _resume(self) -> None:
        folder = self.context.folder / read_json(self.context.folder / LATEST)["folder"]
        state = read_json(folder / "state.json")
        self.trainer.load(folder / "state.safetensors", state)
        self.monitor.load(state["monitor"])
        self.trainer.pace = self.monitor.pace
        self.rows, self.log = read_json(folder / "rows.json"), list(state["log"])
        self.samples = [read_parquet(folder / "samples.parquet")]
        if self.recorder is not None:
            self.recorded = [read_parquet(folder / RECORDED)]

    def _publish(self) -> None:
        """Leave only what the contract names in the folder."""
        folder = self.context.folder
        self._write_tables(folder)
        (folder / "log.jsonl").write_text("".join(line + "\n" for line in self.log), encoding="utf-8")
        kept = {str(row["step"]) for row in self.rows}
        for item in (folder / "policies").glob("*"):
            if item.name not in kept:
                shutil.rmtree(item)
        (folder / LATEST).unlink()  # first: a killed cell must never be sent to a checkpoint that is not there
        for item in folder.glob("checkpoint-*"):
            shutil.rmtree(item)


def nulls(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with NaN as None, as JSON needs it."""
    return [{k: None if isinstance(v, float) and v != v else v for k, v in row.items()} for row in rows]

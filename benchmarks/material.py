"""Inputs of the benchmarks: the embedded world, policies of two sizes, prompts, pairs and reward models.

The pipeline's stages make them once (about two minutes), in a separate store beside this file.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import pandas as pd
from transformers import PreTrainedTokenizerFast

from bench.config.compose import compose
from bench.config.suite import RuntimeConfig
from bench.core.records import read_parquet
from bench.core.types import Pairs, Prompts, Sequences
from bench.engine.display import PlainDisplay
from bench.engine.local import make_stages
from bench.engine.stage import Context, Stage
from bench.engine.store import Store
from bench.lm.codec import encode, encode_prompts
from bench.lm.logprobs import batched_sequence_logps
from bench.lm.policy import TransformerPolicy, load_policy
from bench.pipeline.artifacts.world import WorldArtifact
from bench.pipeline.plan import Plan, build_plan

HERE = Path(__file__).parent
STORE = Store(HERE / ".goldbench")
MAX_NEW_TOKENS = 64
WIDTHS = (64, 96)


def plan_of(width: int = 64, *overrides: str) -> Plan:
    """The plan of the benchmarks' suite with a policy of this width."""
    suite, _ = compose([f"suite={HERE / 'suite.yaml'}", f"sft.model.width={width}", *overrides])
    return build_plan(suite, threads=1)


def make(plan: Plan, names: Iterable[str]) -> None:
    """Make these stages of a plan, and their inputs, if they are not in the store."""
    outcome = make_stages(
        [plan.stages[name] for name in names], STORE, RuntimeConfig(), PlainDisplay(), lambda stage: None
    )
    if outcome.failures:
        raise SystemExit("\n".join(f"{failure.name}: {failure.reason}" for failure in outcome.failures.values()))


@dataclass(frozen=True)
class Material:
    """The world, a policy's folder and stored pairs."""

    tokenizer: PreTrainedTokenizerFast
    world: Path
    sft: Path
    pair_table: pd.DataFrame

    def policy(self) -> TransformerPolicy:
        """A new copy of the policy, because TRL patches models."""
        return load_policy(self.sft, "cpu")

    def texts(self, n: int) -> list[str]:
        """The first n prompts of the rl split."""
        return WorldArtifact(self.world).prompts("rl", n)["prompt"].tolist()

    def prompts(self, n: int) -> Prompts:
        return encode_prompts(self.tokenizer, self.texts(n))

    def pairs(self, n: int) -> Pairs:
        """The first n stored pairs, with this policy's log-probs as the reference's."""
        table, policy = self.pair_table.head(n), self.policy()

        def side(name: str) -> Sequences:
            return encode(self.tokenizer, *(table[c].tolist() for c in ("prompt", name, f"{name}_eos")))

        return pairs_under(policy, side("chosen"), side("rejected"))


def pairs_under(reference: TransformerPolicy, chosen: Sequences, rejected: Sequences) -> Pairs:
    """Pairs with this policy's log-probs as the reference's."""
    return Pairs(chosen, rejected, *(batched_sequence_logps(reference, side) for side in (chosen, rejected)))


def material(width: int) -> Material:
    """The inputs for one policy width. The pairs are always those of the narrowest policy."""
    plan, narrow = plan_of(width), plan_of()
    make(plan, ["sft"])
    make(narrow, ["pairs/r0"])
    world = STORE.path(plan.stages["world"])
    pairs = read_parquet(STORE.path(narrow.stages["pairs/r0"]) / "pairs.parquet")
    return Material(WorldArtifact(world).tokenizer(), world, STORE.path(plan.stages["sft"]), pairs)


def cell_context(plan: Plan) -> tuple[Stage, Context]:
    """The first cell of the plan, and the context of its stage."""
    stage = next(iter(plan.cells.values())).stage
    make(plan, [needed.name for needed in stage.inputs.values()])
    inputs = {name: STORE.path(needed) for name, needed in stage.inputs.items()}
    return stage, Context(stage.config, inputs, Path(mkdtemp()), "cpu", lambda event: None, stage.parts)

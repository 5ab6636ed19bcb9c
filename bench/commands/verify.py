"""`bench verify`: check a finished run against its store."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from bench.commands.options import Options, one_place, parse


class VerifyOptions(Options):
    """Check a run: hash its stages, derive its tables and rows again, score some samples and measure a policy again."""

    example: ClassVar[tuple[str, ...]] = ("bench verify runs/overopt-1a2b3c4d share=.05",)

    share: float = Field(default=0.02, gt=0, le=1, description="share of each row's samples that is scored again")
    seed: int = Field(default=0, description="selects those samples, and the policy that is measured again")
    store: Path | None = Field(default=None, description="the store, if it has moved since the run")


OPTIONS = VerifyOptions


def main(words: Sequence[str]) -> int:
    from bench.checks.runs.run import Sample, verify

    places, options = parse(words, VerifyOptions)
    return verify(one_place(places, "verify"), options.store, Sample(options.share, options.seed))

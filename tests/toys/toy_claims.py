"""Claims judged over a loaded run, as if its suite had declared them."""

import dataclasses

from reports.analysis.analysis import Analysis
from reports.analysis.claims import ClaimResult
from reports.read.run import RunData


def declaring(found: RunData, *declared, **changes) -> RunData:
    """The run with these claims in its suite."""
    named = [{"name": f"claim {i}", **claim} for i, claim in enumerate(declared)]
    return dataclasses.replace(found, config={**found.config, "claims": named}, **changes)


def judge(found: RunData, claim, **changes) -> ClaimResult:
    """One claim, judged by itself."""
    return Analysis(declaring(found, claim, **changes)).claims[0]

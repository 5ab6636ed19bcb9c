"""The claims that a suite declares, each with its verdict and number.

A claim is {name, kind, ...}. `hump` claims name a method and, if they like, beta, proxy and kl (nats). A kind
without a test here is undecided, and says so. `make` calls `verdicts`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.stats.hump import hump_test
from reports.load import Cell, RunData


def verdicts(run: RunData) -> list[dict[str, Any]]:
    """One record a declared claim: name, kind, verdict, number, reason."""
    return [{"name": "", "kind": "", **claim, **_judge(run, claim)} for claim in run.config.get("claims", ())]


def _judge(run: RunData, claim: Mapping[str, Any]) -> dict[str, str]:
    if claim.get("kind") != "hump":
        return {"verdict": "undecided", "number": "", "reason": f"no test of kind {claim.get('kind')!r}"}
    cells = _cells(run, claim)
    if not cells:
        return {"verdict": "undecided", "number": "", "reason": "no cell of this claim has rows yet"}
    kl = claim.get("kl", run.declared_kl(cells[0]))
    if kl is None:
        return {"verdict": "undecided", "number": "", "reason": "no KL was declared: the config names no budgets"}
    hump = hump_test([cell.curve for cell in cells], float(kl))
    number = f"rise {hump.rise}, fall {hump.fall}" if hump.rise.defined else ""
    return {"verdict": hump.verdict, "number": number, "reason": hump.reason}


def _cells(run: RunData, claim: Mapping[str, Any]) -> list[Cell]:
    """The replicates of the claimed setting; without a beta, of the smallest."""
    cells = [c for c in run.trained if c.method == claim.get("method") and claim.get("proxy") in (None, c.proxy_name)]
    if not cells:
        return []
    beta = claim.get("beta", min(np.nan_to_num(c.beta) for c in cells))
    cells = [c for c in cells if np.nan_to_num(c.beta) == beta]
    return [c for c in cells if c.setting == cells[0].setting]

"""Error rate and power of the hump verdict: the share of simulated curves, with and without a hump, in which it fires.

Rules other than the one in use are here for comparison. docs/statistics.md discusses the table that
`bench.checks.statistics.coverage` prints from `hump_table`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.checks.statistics.simulate import KL, cells
from bench.stats.verdicts.evidence import ALPHA, Evidence
from bench.stats.verdicts.hump import hump_test

Float = NDArray[np.float64]
DECLARED = 32.0
_PEAK = 9  # the true peak's row, 4 nats


@dataclass(frozen=True)
class Scene:
    """Replicates whose rise and fall are normal with these means and standard deviations."""

    name: str
    rise: tuple[float, float]
    fall: tuple[float, float]
    hump: bool = False

    def draw(self, rng: np.random.Generator, replicates: int) -> list[Float]:
        """True gold curves, one a replicate: straight in d up to the peak and down from it."""
        d = np.sqrt(KL)
        up, down = np.clip(d / d[_PEAK], 0, 1), np.clip((d - d[_PEAK]) / (d[-1] - d[_PEAK]), 0, 1)
        sizes = rng.normal(*self.rise, replicates), rng.normal(*self.fall, replicates)
        return [rise * up - fall * down for rise, fall in zip(*sizes, strict=True)]


SCENES = (
    Scene("pi_ref throughout (A/A)", (0, 0), (0, 0)),
    Scene("rise 1 ± .25, fall .1 ± .3 on average", (1, 0.25), (0.1, 0.3)),
    Scene("rise .1 ± .25 on average, fall 1 ± .3", (0.1, 0.25), (1, 0.3)),
    Scene("rise 1, fall .1, replicates alike", (1, 0), (0.1, 0)),
    Scene("hump: rise 1 ± .25, fall .5 ± .3", (1, 0.25), (0.5, 0.3), hump=True),
    Scene("hump: rise 1 ± .1, fall .5 ± .1", (1, 0.1), (0.5, 0.1), hump=True),
)


def _in_use(evidence: Evidence, claims: int) -> bool:
    return claims * evidence.p_for < ALPHA and evidence.p_replicated < ALPHA


def _means_alone(evidence: Evidence, claims: int) -> bool:
    return claims * evidence.p_for < ALPHA


def _each_uncorrected(evidence: Evidence, claims: int) -> bool:
    return _means_alone(evidence, claims) and all(r.p_for < ALPHA for r in evidence.replicates)


def _each_corrected(evidence: Evidence, claims: int) -> bool:
    return claims * max(evidence.p_for, *(r.p_for for r in evidence.replicates)) < ALPHA


RULES: dict[str, Callable[[Evidence, int], bool]] = {
    "in use": _in_use,
    "t means alone": _means_alone,
    "every replicate too": _each_uncorrected,
    "every replicate, corrected": _each_corrected,
}


def simulated(scene: Scene, replicates: int, runs: int, seed: int = 0) -> list[Evidence]:
    """The evidence of `runs` hump tests, each of new replicates on new prompts."""
    rng = np.random.default_rng([seed, replicates])
    return [hump_test(cells(rng, scene.draw(rng, replicates)), DECLARED).evidence for _ in range(runs)]


def fires(found: list[Evidence], rule: str, claims: int) -> float:
    """The share in which a rule calls a hump at the first, and so strictest, of Holm's steps over `claims` claims."""
    return float(np.mean([RULES[rule](evidence, claims) for evidence in found]))


def hump_table(runs: int) -> str:
    """Markdown: one line per scene and number of replicates, one column per rule, for m = 1 and for m = 7 claims."""
    columns = [(rule, claims) for claims in (1, 7) for rule in RULES]
    head = " | ".join(f"{rule}, m = {claims}" for rule, claims in columns)
    lines = [f"| truth | replicates | {head} |", "|---" * (2 + len(columns)) + "|"]
    for scene in SCENES:
        for replicates in (3, 5, 8):
            found = simulated(scene, replicates, runs)
            shares = " | ".join(f"{fires(found, *column):.3f}" for column in columns)
            lines.append(f"| {scene.name} | {replicates} | {shares} |")
    return "\n".join(lines)

"""A second opinion on a hump by other means: two lines, and the slopes of a parabola at both ends.

Both ask whether gold rises and then falls at all, by any amount, while `hump` asks for more than DELTA of each; and
neither looks at the proxy. So they may fire where the hump test does not. Neither is in the family that Holm corrects:
they decide nothing. Over replicates the unit is the replicate, as in `hump`. `hump` calls it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.stats.curves import Curve, end_row
from bench.stats.estimate import Estimate
from bench.stats.verdicts.end_slopes import FEWEST as FEWEST_SLOPES
from bench.stats.verdicts.end_slopes import end_slopes
from bench.stats.verdicts.evidence import Decision, Evidence, Inequality, Verdict, decide, over_replicates
from bench.stats.verdicts.two_lines import FEWEST as FEWEST_LINES
from bench.stats.verdicts.two_lines import two_lines

Slopes = Callable[[Curve, int], tuple[Estimate, Estimate] | None]


@dataclass(frozen=True)
class SecondOpinion:
    """The verdict of each of the two tests on `gold rises and then falls`, uncorrected."""

    two_lines: Decision
    end_slopes: Decision

    def beside(self, verdict: Verdict) -> str:
        """How the two stand to the hump verdict, in words."""
        named = {"two lines": self.two_lines.verdict, "end slopes": self.end_slopes.verdict}
        if set(named.values()) == {verdict}:
            return "both undecided" if verdict == "undecided" else "both agree"
        return ", ".join(f"{name} {_stands(found, verdict)}" for name, found in named.items())


def second_opinion(curves: Sequence[Curve], declared_kl: float) -> SecondOpinion:
    """Both tests on the replicates of one setting, pi_ref's row up to the row nearest to the declared KL (nats)."""
    lines = _evidence(curves, declared_kl, _two_lines, f"fewer than {FEWEST_LINES} rows, or no select prompts")
    slopes = _evidence(curves, declared_kl, end_slopes, f"fewer than {FEWEST_SLOPES} rows")
    return SecondOpinion(decide([lines])[0], decide([slopes])[0])


def _two_lines(curve: Curve, end: int) -> tuple[Estimate, Estimate] | None:
    found = two_lines(curve, end)
    return None if found is None else (found.left, found.right)


def _evidence(curves: Sequence[Curve], declared_kl: float, slopes: Slopes, lacking: str) -> Evidence:
    """The first slope is above 0 and the second is below it, in each replicate or by their t means."""
    parts = []
    for curve in curves:
        end, reason = end_row(curve, declared_kl)
        found = None if end is None else slopes(curve, end)
        if found is None:
            return Evidence((), f"{curve.cell}: {reason or lacking}")
        first = Inequality("first slope", found[0], 0.0, cell=curve.cell)
        parts.append((first, Inequality("last slope", found[1], 0.0, above=False, cell=curve.cell)))
    return Evidence(over_replicates(parts))


def _stands(found: Verdict, verdict: Verdict) -> str:
    if found == verdict:
        return "agree"
    return "undecided" if found == "undecided" else f"{'say' if verdict == 'undecided' else 'disagree:'} {found}"

"""Every analysis of one run, computed once and shared by all sections of its page.

`Analysis(run)` costs nothing; each part is computed when it is first used. Sections take the Analysis: they neither
read the run folder again nor recompute what another has. `page`, `facts` and `wandb` make one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from bench.stats.bootstrap import Resamples
from bench.stats.estimate import Estimate
from bench.stats.verdicts.hump import HumpVerdict
from reports.analysis.claims import ClaimResult, decide_claims
from reports.analysis.fits import Fitted, fit_curves
from reports.analysis.frontier import Point, frontiers
from reports.analysis.null import Null, null_of
from reports.analysis.peaks import Peak, find_peaks, hump_verdicts
from reports.analysis.resampling import MOST
from reports.analysis.scorers import ScorerPeak, peaks_of, scored_settings
from reports.analysis.settings import pair_methods, smallest_betas, trained_methods
from reports.analysis.strengths import Strengths, family_of, predicted_slope, strengths
from reports.analysis.values import Values
from reports.read.cell import Cell
from reports.read.run import RunData


@dataclass(frozen=True, eq=False)
class Analysis:
    """The analyses of `run`.

    Example:
        analysis = Analysis(load(Path("runs/overopt-1a2b3c4d")))
        analysis.peaks["ppo-b0-r0"].drop
    """

    run: RunData

    @cached_property
    def values(self) -> Values:
        """Gold at a KL, differences, means over replicates, hump tests, path gaps and resamples."""
        return Values(self.run)

    @cached_property
    def resamples(self) -> Resamples | None:
        """The resampled report prompts of all trained cells, as many as are drawn; None without samples."""
        return self.values.resamples(MOST)

    @cached_property
    def peaks(self) -> Mapping[str, Peak]:
        """Peaks by cell name."""
        return find_peaks(self.values)

    @cached_property
    def humps(self) -> Mapping[int, HumpVerdict]:
        """Hump verdicts by setting."""
        return hump_verdicts(self.values)

    @cached_property
    def claims(self) -> list[ClaimResult]:
        """The declared claims, corrected together."""
        return decide_claims(self.values)

    @cached_property
    def fits(self) -> Mapping[str, Fitted]:
        """Fitted forms by the name of each setting's first cell."""
        return {fitted.cell.name: fitted for fitted in fit_curves(self.values)}

    @cached_property
    def frontiers(self) -> Mapping[str, tuple[Point, ...]]:
        """The gold-KL frontier of each method."""
        return frontiers(self.values)

    @cached_property
    def null(self) -> Null | None:
        """The A/A null of pi_ref."""
        return null_of(self.run)

    @cached_property
    def smallest_betas(self) -> list[list[Cell]]:
        """The replicates at the smallest coefficient of each compared method and proxy."""
        return smallest_betas(self.run)

    @cached_property
    def trained_methods(self) -> list[list[Cell]]:
        """One setting of each compared method except best-of-n."""
        return trained_methods(self.run)

    @cached_property
    def pair_methods(self) -> list[list[Cell]]:
        """One setting of each method that learns from pairs; none unless their samplers differ."""
        return pair_methods(self.run)

    @cached_property
    def family(self) -> Mapping[str, list[Cell]]:
        """The offline cells by loss; none with fewer than two losses."""
        return family_of(self.run)

    @cached_property
    def strengths(self) -> list[Strengths]:
        """The losses of the family over beta."""
        return strengths(self.values)

    @cached_property
    def slope(self) -> Estimate:
        """The slope of log best beta over log curvature."""
        return predicted_slope(self.strengths)

    @cached_property
    def scored_settings(self) -> list[list[Cell]]:
        """The settings whose three scorers are compared."""
        return scored_settings(self.run)

    def scorer_peaks(self, cells: list[Cell]) -> list[ScorerPeak]:
        """The peak of each scorer in one of `scored_settings`."""
        return self._scorer_peaks[cells[0].name]

    @cached_property
    def _scorer_peaks(self) -> Mapping[str, list[ScorerPeak]]:
        return {cells[0].name: peaks_of(self.run, cells) for cells in self.scored_settings}

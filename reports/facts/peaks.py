"""Described, not decided: where gold is best, what is lost after, how far the proxy is ahead, gamma of best-of-n."""

from bench.stats.estimate import ENOUGH, over
from bench.stats.gamma import gamma
from bench.stats.peaks import drop, gap, peak_over_replicates, peak_range
from reports.analysis.analysis import Analysis
from reports.draw.labels import setting_label
from reports.facts.fact import Fact, with_interval


def peaks(analysis: Analysis) -> list[Fact]:
    """5: d*, drop and gap at the last row; over replicates where there are enough, else of the first."""
    run, draws, facts = analysis.run, analysis.resamples, []
    for cells in analysis.smallest_betas:
        curves = [cell.curve for cell in cells]
        if draws is None or any(curve.prompts < 2 for curve in curves):
            continue
        several = len(curves) >= ENOUGH
        place = peak_over_replicates(curves) if several else peak_range(curves[0], draws)
        ends = [(cell.curve, cell.last) for cell in cells]
        numbers = {
            "d*": place,
            "drop": over([drop(*end) for end in ends]),
            "gap of the proxy": over([gap(*end) for end in ends]),
        }
        value = ", ".join(f"{name} {with_interval(found)}" for name, found in numbers.items())
        alone = "first replicate; d*: the row chosen on select, and those not rejected as the maximum"
        how = f"smoothed peaks, t over {len(curves)} replicates" if several else alone
        how += f"; {place.reason}" if place.reason else ""
        facts.append(Fact(5, f"{setting_label(cells[0], run)}: peak, and what follows", "described", value, how))
    return facts


def gammas(analysis: Analysis) -> list[Fact]:
    """5: gamma of each proxy's best-of-n, up to the largest d that all of them reach."""
    run, draws = analysis.run, analysis.resamples
    cells = [cells[0] for cells in analysis.smallest_betas if cells[0].best_of_n and cells[0].curve.prompts > 1]
    if draws is None or not cells:
        return []
    upper, facts = min(float(cell.curve.d.max()) for cell in cells), []
    for cell in cells:
        found = gamma(cell.curve, upper, draws)
        how = f"area between fitted proxy and gold over gold's, to d = {upper:.2f}; first replicate, prompts resampled"
        how += f"; {found.reason}" if found.reason else ""
        facts.append(Fact(5, f"{setting_label(cell, run)}: gamma", "described", with_interval(found), how))
    return facts

"""Beside each hump verdict: the second opinions, weak and strong Goodhart, and the replicates it would need."""

import pandas as pd

from reports.analysis.analysis import Analysis
from reports.draw.labels import setting_label
from reports.draw.table import Row, Table, Value

_OPINIONS = (
    "The hump verdict and two second opinions, which decide nothing and ask only for a rise and a fall of any size: "
    "two lines (Simonsohn 2018), and a parabola's slopes at both ends (Lind and Mehlum 2010), which over-rejects where "
    "gold rises to a level. Weak Goodhart: the proxy gains while gold stays within 0.1 sd of its peak, over the last "
    "half of the way in d (an equivalence test). Strong: the proxy gains while gold falls by more than 0.1 sd. The "
    "last column: replicates for 80% power of the hump test at the observed sizes and spread, uncorrected. "
    "docs/statistics.md has the error rates of all five."
)


def opinions(analysis: Analysis) -> Table:
    """One line a setting with a hump verdict."""
    records, body = list[dict[str, object]](), list[Row]()
    for cells in analysis.run.settings:
        hump = analysis.humps.get(cells[0].setting)
        if hump is None:
            continue
        lines, slopes, need = hump.second.two_lines, hump.second.end_slopes, hump.needed
        label, beside = setting_label(cells[0], analysis.run), hump.second.beside(hump.verdict)
        records.append(
            {"setting": label, "hump": hump.verdict, "two_lines": lines.verdict, "two_lines_p": lines.p}
            | {"end_slopes": slopes.verdict, "end_slopes_p": slopes.p, "second_opinion": beside}
            | {"weak": hump.weak.verdict, "weak_reason": hump.weak.reason}
            | {"strong": hump.strong.verdict, "strong_reason": hump.strong.reason}
            | {"needed_replicates": need.replicates, "needed_reason": need.reason}
        )
        goodhart = (Value(d.verdict, why=d.reason) for d in (hump.weak, hump.strong))
        second = Value(beside, why="; ".join(d.reason for d in (lines, slopes) if d.reason))
        body.append((label, hump.verdict, second, *goodhart, str(need.replicates or need.reason)))
    frame = pd.DataFrame(records)
    if records:
        frame["needed_replicates"] = frame["needed_replicates"].astype("Int64")
    head = ("setting", "hump", "second opinion", "weak Goodhart", "strong Goodhart", "would need")
    return Table("opinions", "Second opinions", _OPINIONS, frame, head, tuple(body), text=6)

"""The ledger: every number that the page's sentences rest on, with its interval, how it was made, and its rows."""

import pandas as pd

from bench.stats.estimate import Estimate
from bench.stats.verdicts.hump import HumpVerdict
from reports.analysis.analysis import Analysis
from reports.draw.labels import setting_label
from reports.draw.table import Row, Table, Value, interval
from reports.sections.section import Section

_LEDGER = (
    "Every number behind the sentences at the top. A difference lies between the rows `from` and `to`; with "
    "several replicates these are the first one's, and each has separate rows. The verdict is about rise and "
    "fall, and about the proxy's gain where the method optimises the proxy."
)


def ledger(analysis: Analysis) -> Table:
    """One line a setting and statistic of the hump test."""
    run, records = analysis.run, list[dict[str, object]]()
    body: list[Row] = []
    for cells in run.settings:
        hump = analysis.humps.get(cells[0].setting)
        if hump is None or not hump.rise.defined:
            continue
        for name, estimate, rows in _statistics(hump, cells[0].curve.row_ids[0]):
            records.append(
                {
                    "setting": setting_label(cells[0], run),
                    "statistic": name,
                    "point": estimate.point,
                    "low": estimate.low,
                }
                | {"high": estimate.high, "n": estimate.n, "method_of_interval": estimate.method}
                | {"from_row": rows[0], "to_row": rows[1], "declared_kl": hump.declared_kl}
                | {"verdict": hump.verdict, "reason": hump.reason}
            )
            links = tuple(Value(row_id.rpartition("@")[2], row_id) for row_id in rows)
            verdict = hump.verdict if name == "rise" else ""
            body.append((setting_label(cells[0], run), name, interval(estimate), *links, estimate.method, verdict))
    head = ("setting", "statistic", "value", "from", "to", "how", "hump")
    return Table("ledger", "Findings ledger", _LEDGER, pd.DataFrame(records), head, tuple(body), text=2)


def _statistics(hump: HumpVerdict, reference: str) -> list[tuple[str, Estimate, tuple[str, str]]]:
    """Rise, fall and the proxy's gain, each with the rows (of the first replicate) that it lies between."""
    part = hump.replicates[0]
    return [
        ("rise", hump.rise, (reference, part.peak_row_id)),
        ("fall", hump.fall, (part.peak_row_id, part.end_row_id)),
        ("proxy's gain", hump.proxy_gain, (part.peak_row_id, part.end_row_id)),
    ]


SECTION = Section("ledger", "Findings ledger", (ledger,))

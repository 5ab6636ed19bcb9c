"""The options of `bench report`."""

from pathlib import Path

from bench.config.base import Config


class ReportOptions(Config):
    """`force` compares runs that do not share gold, pi_ref or world; `out` is where a comparison goes."""

    pdf: bool = False
    force: bool = False
    out: Path | None = None

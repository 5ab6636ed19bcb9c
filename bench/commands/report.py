"""`bench report`: rebuild the report of a run from its folder alone, or put several runs on one page."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from bench.commands.options import Options, parse
from bench.commands.preflight import check_writable
from bench.errors import ConfigError


class ReportOptions(Options):
    """Rebuild the report of a run from its folder alone. Several runs: one page with all their curves, and their
    differences at matched KL.
    """

    example: ClassVar[tuple[str, ...]] = (
        "bench report runs/overopt-1a2b3c4d pdf=true",
        "bench report runs/A runs/B out=runs/A-and-B",
    )

    pdf: bool = Field(default=False, description="vector figures beside the PNG ones")
    force: bool = Field(default=False, description="several runs: compare them though gold, pi_ref or world differ")
    out: Path | None = Field(default=None, description="several runs: folder of the page; beside the first by default")


OPTIONS = ReportOptions


def main(words: Sequence[str]) -> int:
    from bench.runs.folder import load_run
    from reports import build, compare

    places, options = parse(words, ReportOptions)
    if not places:
        raise ConfigError("no run on the command line; name the folders of one or more: bench report RUN [RUN ...]")
    paths = [load_run(place).path for place in places]
    if options.out is not None:
        check_writable("out", options.out)
    if len(paths) > 1:
        print(compare(paths, options.out, force=options.force, pdf=options.pdf, warn=_warn))
    elif options.force or options.out:
        raise ConfigError("force= and out= are for several runs; the report of one run lies in its folder")
    else:
        print(build(paths[0], pdf=options.pdf))
    return 0


def _warn(text: str) -> None:
    print(f"warning: {text}", file=sys.stderr)

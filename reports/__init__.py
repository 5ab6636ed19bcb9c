"""Reports: run folders in, one offline HTML page, PNG figures and CSV tables out. Never imports torch."""

from collections.abc import Callable, Sequence
from pathlib import Path


def build(run_dir: Path, *, pdf: bool = False) -> Path:
    """Write the report of the run in `run_dir`, finished or not, and return the page's path."""
    from reports.page.make import make

    return make(Path(run_dir), pdf=pdf)


def refresh(run_dir: Path) -> Path:
    """Write the report of the run in `run_dir` unless `build` would change nothing, and return the page's path."""
    from reports.page.fresh import refresh

    return refresh(Path(run_dir))


def compare(
    run_dirs: Sequence[Path],
    out: Path | None = None,
    *,
    force: bool = False,
    pdf: bool = False,
    warn: Callable[[str], object] | None = None,
) -> Path:
    """Write one page of several runs into `out`, a folder beside the first run unless given, and return its path.

    Raises ConfigError where the runs do not share world, pi_ref, gold and its unit, unless `force`. `warn` gets each
    sentence that the page warns with: of equal keys with other bytes, and of units.
    """
    from reports.page.comparison import compare_runs

    folders = [Path(run_dir) for run_dir in run_dirs]
    beside = folders[0].resolve().parent / "+".join(folder.resolve().name for folder in folders)
    return compare_runs(folders, Path(out) if out else beside, force=force, pdf=pdf, warn=warn)

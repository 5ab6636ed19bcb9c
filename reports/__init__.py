"""Reports: a run folder in, one offline HTML page, PNG figures and CSV tables out. Never imports torch."""

from pathlib import Path


def build(run_dir: Path) -> Path:
    """Write the report of the run in `run_dir`, finished or not, and return the page's path."""
    from reports.make import make

    return make(Path(run_dir))

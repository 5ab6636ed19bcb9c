"""Overheads: the start of the command, and a report of `overopt`'s size."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

import reports
from benchmarks.timing import Table, in_turn, milliseconds, publish, ratio
from reports.read.load import load

SYNTHETIC = Path(__file__).parents[1] / "tests" / "reports"
PROMPTS = {"report": 96, "select": 48}  # with three samples each, as in `overopt`


def python(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


def start_up() -> Table:
    """`bench --help`, compared with an empty Python process and one that imports torch."""
    rounds = in_turn(
        {
            "bench --help": lambda: python("-m", "bench", "--help"),
            "python -c pass": lambda: python("-c", "pass"),
            "python -c 'import torch'": lambda: python("-c", "import torch"),
        }
    )
    rows = [
        {"command": name, "ms": milliseconds(seconds), **ratio(rounds, name, "python -c pass")}
        for name, seconds in rounds.items()
    ]
    return Table("Start of the command", rows, "Ratios are to a Python that does nothing.")


def beside_the_tests(name: str) -> ModuleType:
    """A module of the report tests, which can create a synthetic run."""
    spec = importlib.util.spec_from_file_location(name, SYNTHETIC / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def report() -> Table:
    """The report of a synthetic run with all cells of `overopt`."""
    synthetic, overopt = beside_the_tests("synthetic"), beside_the_tests("overopt")
    with TemporaryDirectory() as folder:
        run = overopt.make_overopt(synthetic, Path(folder) / "run", samples=3, prompts=PROMPTS)
        rounds = in_turn({"report": lambda: reports.build(run), "load": lambda: load(run)})
        figures = len(list((run / "figures").glob("*.png")))
    row = {"figures": figures, "ms": milliseconds(rounds["report"]), "of it reading": milliseconds(rounds["load"])}
    return Table("Report of a run of `overopt`'s size", [row], "A made-up run: 42 cells, 144 prompts, 3 samples each.")


def main() -> None:
    publish("start_up", start_up())
    publish("report", report())


if __name__ == "__main__":
    main()

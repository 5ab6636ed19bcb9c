"""`python -m reports.facts RUN` prints the table of facts of the run folder RUN."""

import sys
from pathlib import Path

from reports.analysis.analysis import Analysis
from reports.facts.fact import table
from reports.facts.registry import facts
from reports.read.load import load

if __name__ == "__main__":
    print(table(facts(Analysis(load(Path(sys.argv[1]))))))

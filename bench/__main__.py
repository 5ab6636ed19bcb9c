"""`python -m bench` is the command `bench`."""

import os
import sys
from pathlib import Path

# Python searches the working directory first, where folders named `gold` or `reports` are the user's.
if sys.path[0] in ("", os.getcwd()) and Path(__file__).parents[1] != Path.cwd():
    del sys.path[0]

from bench.cli import main

if __name__ == "__main__":
    sys.exit(main())

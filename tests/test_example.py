"""The example runs as a script would, smaller, and what it prints is what it measured."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SMALL = """
import sys
from pathlib import Path
sys.path.insert(0, "examples")
import goodhart
goodhart.main(Path(sys.argv[1]), sft_steps=20, n_pairs=64, steps=6, every=2)
"""


def test_the_example_prints_a_curve_that_begins_at_pi_ref(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SMALL, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    rows = [line.split() for line in done.stdout.splitlines() if re.fullmatch(r" *\d+ +-?\d.*", line)]
    table = [[float(value) for value in row] for row in rows if len(row) == 4]
    assert [row[0] for row in table] == [0, 2, 4, 6]
    _, kl, gold, proxy = zip(*table, strict=True)
    assert abs(kl[0]) < 1e-5
    assert kl[-1] > kl[1] > 1e-4
    assert gold[0] == proxy[0] == 0
    assert all(abs(value) < 20 for value in (*gold, *proxy))
    peak, last = re.search(r"Gold peaks at (-?[\d.]+) .* and ends at (-?[\d.]+)", done.stdout).groups()
    assert float(peak) == max(gold)
    assert float(last) == gold[-1]


def test_the_example_stays_short():
    lines = (ROOT / "examples" / "goodhart.py").read_text().splitlines()
    code = [line for line in lines if line.strip() and not line.strip().startswith(("#", "import ", "from "))]
    assert len(code) <= 100  # docstrings included

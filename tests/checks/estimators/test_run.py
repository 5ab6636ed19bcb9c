import subprocess
import sys

import pytest
from planting import swap

from bench.checks.estimators.run import GROUPS, chosen
from bench.cli import main
from bench.measure.best_of_n import analytic_kl

PUBLISHED = "best-of-n/analytic KL as published"


def test_every_check_is_right():
    done = subprocess.run([sys.executable, "-m", "bench", "selfcheck"], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{sum(map(len, GROUPS.values()))} checks, 0 off" in done.stdout
    for group, checks in GROUPS.items():
        assert group in done.stdout
        assert all(name in done.stdout for name in checks)  # nothing is cut off


def test_a_mismatch_is_told_and_the_command_exits_1(capsys, monkeypatch):
    swap(analytic_kl, lambda n: 2 * analytic_kl(n))(monkeypatch)
    assert main(["selfcheck", PUBLISHED]) == 1
    out = capsys.readouterr().out
    assert "MISMATCH" in out
    assert "1 checks, 1 off" in out


def test_checks_are_run_by_group_or_by_name():
    assert [c[:2] for c in chosen([PUBLISHED])] == [tuple(PUBLISHED.split("/"))]
    assert {c[0] for c in chosen(["kl", "units"])} == {"kl", "units"}
    assert len(chosen([])) == sum(map(len, GROUPS.values()))


@pytest.mark.parametrize("word", ["kll", "kl/expected k2, flatter"])
def test_an_unknown_check_is_one_line_and_exit_2(word, capsys):
    assert main(["selfcheck", word]) == 2
    assert "did you mean" in capsys.readouterr().err

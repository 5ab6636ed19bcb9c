import resource
import subprocess
import sys

import pytest
from toy_plan import plan_with_cells

from bench.cli import main
from bench.commands.run import execute
from bench.config.suite import RuntimeConfig


def test_help_is_quick():
    """In CPU seconds, which do not depend on who else is on the machine."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "bench", "--help"], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.5


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["rnu"], "did you mean 'run'"),
        (["run", "suite=smoek"], "did you mean 'smoke'"),
        (["plan", "smoke", "replicates=0"], "replicates"),
        (["ls", "wrlds"], "did you mean 'worlds'"),
        (["report"], "no run given"),
        (["report", "nowhere"], "'nowhere' is no run folder"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(words, part, capsys):
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("bench: ")
    assert captured.err.count("\n") == 1
    assert part in captured.err


def test_plan_lists_cells_and_makes_nothing(tmp_path, capsys):
    assert main(["plan", "smoke", f"store={tmp_path / 'store'}"]) == 0
    out = capsys.readouterr().out
    assert "world" in out
    assert "to make" in out
    assert not (tmp_path / "store").exists()


def test_ls_names_what_there_is(capsys):
    assert main(["ls"]) == 0
    out = capsys.readouterr().out
    for name in ("smoke", "notes", "rubric", "preference", "runs:"):
        assert name in out


@pytest.mark.parametrize(("acts", "code"), [({"good": None}, 0), ({"good": None, "crashing": "crash"}, 1)])
def test_a_run_ends_with_a_report_and_says_which_cells_failed(tmp_path, capsys, acts, code):
    runtime = RuntimeConfig(store=tmp_path / "store", out=tmp_path / "out", workers=1)
    assert execute(plan_with_cells(**acts), runtime, "bench run toy") == code
    out = capsys.readouterr().out
    assert (tmp_path / "out" / "report.html").is_file()
    assert str(tmp_path / "out" / "report.html") in out
    assert ("cell crashing failed: RuntimeError: the toy cell crashed" in out) == bool(code)


def test_a_stored_divergence_is_told_again_on_a_second_run(tmp_path, capsys):
    runtime = RuntimeConfig(store=tmp_path / "store", out=tmp_path / "out", workers=1)
    plan = plan_with_cells(diverging="diverge")
    assert execute(plan, runtime, "") == 1
    capsys.readouterr()
    assert execute(plan, runtime, "") == 1
    out = capsys.readouterr().out
    assert "made 0 stages" in out
    assert "cell diverging diverged: KL 1e9" in out

import pytest

from bench.cli import main


def test_the_report_of_a_run_is_rebuilt_from_its_folder(toy_finished, tmp_path, capsys):
    run = toy_finished.copy(tmp_path)
    page = run.out / "report.html"
    before = page.read_bytes()
    page.unlink()
    assert main(["report", str(run.out)]) == 0
    assert capsys.readouterr().out.strip() == str(page)
    assert page.read_bytes() == before


def test_several_runs_share_a_page(toy_finished, tmp_path, capsys):
    run, out = toy_finished.copy(tmp_path / "copy"), tmp_path / "both"
    assert main(["report", str(toy_finished.out), str(run.out), f"out={out}"]) == 0
    assert str(out) in capsys.readouterr().out
    assert list(out.glob("*.html"))


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["RUN", "pfd=true"], "did you mean 'pdf'"),
        (["RUN", "force=true"], "force= and out= are for several runs"),
        (["RUN", "RUN", "out=/proc/goldbench"], "out=/proc/goldbench cannot be written to"),
        (["RUN", "RUN"], "twice"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(toy_finished, words, part, capsys):
    assert main(["report", *(str(toy_finished.out) if word == "RUN" else word for word in words)]) == 2
    err = capsys.readouterr().err
    assert part in err
    assert err.count("\n") == 1

import resource
import subprocess
import sys

import pytest

from bench.cli import COMMANDS, main


def _cpu_seconds(*words):
    """The CPU time of a command, which depends little on the load of the machine."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "bench", *words], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_help_is_quick():
    assert min(_cpu_seconds("--help") for _ in range(5)) < 0.1


def test_help_imports_nothing_but_the_standard_library():
    code = "import sys; before = set(sys.modules); from bench.cli import main; main([]); "
    code += "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert set(out.splitlines()[-1].split()) - sys.stdlib_module_names == {"bench"}


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_help_names_every_command(words, capsys):
    assert main(words) == 0
    out = capsys.readouterr().out
    for command in COMMANDS.values():
        assert f"bench {command.usage}" in out


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("words", [["NAME", "--help"], ["NAME", "-h"], ["help", "NAME"]])
def test_every_command_has_a_help_of_its_own(name, words, capsys):
    assert main([name if word == "NAME" else word for word in words]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"bench {COMMANDS[name].usage}\n")
    assert f"\n  bench {name}" in out  # an example
    assert max(map(len, out.splitlines())) <= 110


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["rnu"], "did you mean 'run'"),
        (["rnu", "--help"], "did you mean 'run'"),
        (["run", "suite=smoek"], "did you mean 'smoke'"),
        (["run", "smoke", "--jsno"], "did you mean '--json'"),
        (["plan", "smoke", "replicates=0"], "replicates"),
        (["ls", "wrlds"], "did you mean 'worlds'"),
        (["ls", "--csv"], "unknown option '--csv'"),
        (["report"], "no run on the command line"),
        (["report", "nowhere"], "'nowhere' is not a run folder"),
        (["report", "RUN", "--json"], "unknown option '--json'"),
        (["verify"], "no run on the command line"),
        (["verify", "A", "B"], "2 runs (A, B) on the command line"),
        (["verify", "A", "+seed=1"], "'+seed=1' adds or removes a key"),
        (["selfcheck", "klo"], "did you mean 'kl'"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(words, part, capsys):
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("bench: ")
    assert captured.err.count("\n") == 1
    assert part in captured.err

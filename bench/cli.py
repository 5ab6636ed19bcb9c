"""The command `bench`: finds the module of a command, imports it, and returns its exit code.

Exit 0: done. 1: a cell failed and the rest finished, a self-check failed, or `verify` found a mismatch. 2: a mistake
on the command line or in a file that it names, reported on one line. 128 + a signal's number (130 for Ctrl-C):
stopped by it. Only the module of that command is imported, so that `bench --help` stays fast.
"""

import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from bench.commands.streams import open_standard_streams
from bench.errors import ConfigError, GoldbenchError, did_you_mean, exit_code

_LONGEST = 800  # characters of an error


@dataclass(frozen=True)
class Command:
    """A command's module has `OPTIONS`, its options class, and `main(words)`, which returns the exit code."""

    module: str
    usage: str
    summary: str


COMMANDS = {
    "run": Command("bench.commands.run", "run suite=NAME [key=value ...]", "run or resume a suite, write its report"),
    "plan": Command("bench.commands.plan", "plan suite=NAME [key=value ...]", "stages, what is cached, expected time"),
    "ls": Command("bench.commands.ls", "ls [suites|worlds|golds|methods|runs]", "what can be run, and what was"),
    "report": Command("bench.commands.report", "report RUN [RUN ...]", "rebuild a report; several runs: compare them"),
    "samples": Command("bench.commands.samples", "samples RUN [key=value ...]", "texts and scores beside pi_ref's"),
    "selfcheck": Command("bench.commands.selfcheck", "selfcheck [CHECK ...]", "estimators and losses against answers"),
    "verify": Command("bench.commands.verify", "verify RUN [key=value ...]", "re-hash, re-derive and re-score a run"),
    "gc": Command("bench.commands.gc", "gc [key=value ...]", "sizes of stored stages; remove unused ones"),
}

_HELP = """\
Goldbench measures how reward optimization goes wrong.

{commands}

bench COMMAND --help lists a command's settings with their defaults, and an example.
NAME is an installed suite (`bench ls suites`) or the path of a YAML or JSON file. Settings are written key=value:
  scale=full   methods=[ppo,dpo]   method.dpo.beta=[.03,.1]   replicates=3   workers=2   store=DIR
Give the same command again to resume; finished work is never redone. `bench run RUN/config.json` repeats a run.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code."""
    open_standard_streams()
    words = list(sys.argv[1:] if argv is None else argv)
    wants_help = not words or any(word in ("-h", "--help") for word in words) or words[0] == "help"
    names = [word for word in words if word not in ("-h", "--help", "help")]
    try:
        if wants_help and not names:
            lines = [f"  bench {command.usage:<42} {command.summary}" for command in COMMANDS.values()]
            print(_HELP.format(commands="\n".join(lines)), end="")
            return 0
        command = _command(names[0])
        module = importlib.import_module(command.module)
        if wants_help:
            from bench.commands.options import help_text

            print(help_text(command.usage, module.OPTIONS), end="")
            return 0
        return int(module.main(words[1:]))
    except GoldbenchError as error:
        print(f"bench: {_one_line(error)}", file=sys.stderr)
        return exit_code(error)
    except KeyboardInterrupt as error:
        print("bench: interrupted; give the same command again to resume", file=sys.stderr)
        return exit_code(error)
    except BrokenPipeError:  # the reader of `bench ls | head` has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _command(name: str) -> Command:
    if name not in COMMANDS:
        raise ConfigError(f"unknown command {name!r}; choose from {', '.join(COMMANDS)}{did_you_mean(name, COMMANDS)}")
    return COMMANDS[name]


def _one_line(error: GoldbenchError) -> str:
    """The message on one readable line, whatever was typed or found."""
    text = " ".join(str(error).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 2 :]}"

"""The command `bench`: reads what was asked, calls the part that does it, answers with an exit code.

Exit 0: done. 1: a cell failed and the rest finished, a self-check is off, or `verify` found a mismatch. 2: a mistake
in what was asked, told in one line. 128 + a signal's number (130 for Ctrl-C): stopped by it. Everything heavy is
imported by the command that needs it.
"""

import io
import os
import shlex
import sys
from collections.abc import Callable, Sequence

from bench.errors import ConfigError, GoldbenchError, did_you_mean

_LONGEST = 800  # characters of an error

HELP = """\
Goldbench measures how reward optimization goes wrong.

  bench run suite=NAME [key=value ...]    run or resume a suite, then write its report
  bench plan suite=NAME [key=value ...]   stages and cells, what is cached, expected time; runs nothing
  bench ls [suites|worlds|golds|methods|runs]
  bench report RUN [pdf=true]             rebuild the report from the run folder alone
  bench report RUN RUN ... [force=true]   several runs on one page, in a folder beside the first or out=DIR
  bench selfcheck [CHECK ...]             every estimator and loss against closed-form answers
  bench selfcheck plugin=FILE.py          whether preference losses of your own keep to what the harness rests on
  bench samples RUN [key=value ...]       texts with scores, beside pi_ref's: cell= row= budget= n= sort=
  bench verify RUN [key=value ...]        re-hash, re-derive and re-score what a run rests on: share= seed= store=
  bench gc [key=value ...]                sizes of stored stages; delete=true removes what no run uses: runs= store=

NAME is an installed suite or the path of a YAML or JSON file, scale=NAME one of the sizes it comes in (`bench ls
suites`). `bench run RUN/config.json` repeats a run.
Settings:  methods=[ppo,dpo]   method.dpo.beta=[.03,.1]   replicates=3   world.seed=1   gold.type=rubric
A loss of your own:  plugin=FILE.py method.dpo.f=NAME   (def NAME(x) in FILE.py: beta * rho in, losses out)
Where and how (never part of a result):  out=DIR store=DIR workers=N threads=N device=auto|cpu|cuda
  wandb=disabled|offline|online   (store: else $GOLDBENCH_STORE, else .goldbench)
W&B dashboard of a run that was logged or synced:  python -m reports.wandb.dashboard ENTITY/PROJECT RUN
Give the same command again to resume; finished work is never redone.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code."""
    _open_standard_streams()
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("-h", "--help", "help") or "--help" in words:
        print(HELP, end="")
        return 0
    try:
        if words[0] not in COMMANDS:
            legal = ", ".join(COMMANDS)
            raise ConfigError(f"unknown command {words[0]!r}; legal: {legal}{did_you_mean(words[0], COMMANDS)}")
        return COMMANDS[words[0]](words[1:])
    except GoldbenchError as error:
        print(f"bench: {_line(error)}", file=sys.stderr)
        return 2 if isinstance(error, ConfigError) else 1
    except KeyboardInterrupt:
        print("bench: interrupted; give the same command again to resume", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of `bench ls | head` has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _open_standard_streams() -> None:
    """A stream that was closed (`>&-`) is opened on nothing, else the next file would take its number and its text.

    What a stream's encoding lacks is escaped, never an error.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # takes the lowest free number: this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "r" if number == 0 else "w", closefd=False))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _line(error: GoldbenchError) -> str:
    """The message on one line that can be read, whatever was typed or found."""
    text = " ".join(str(error).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 2 :]}"


def _run(words: Sequence[str]) -> int:
    from bench.commands.run import run
    from bench.config.compose import compose

    suite, runtime = compose(words)
    return run(suite, runtime, f"bench run {shlex.join(words)}")


def _plan(words: Sequence[str]) -> int:
    from bench.commands.ls import show_plan
    from bench.config.compose import compose

    show_plan(*compose(words))
    return 0


def _ls(words: Sequence[str]) -> int:
    from bench.commands.ls import LISTS
    from bench.commands.options import PluginOptions, split_words

    names, options = split_words(words, PluginOptions)
    unknown = [name for name in names if name not in LISTS]
    if unknown:
        raise ConfigError(f"unknown list {unknown[0]!r}; legal: {', '.join(LISTS)}{did_you_mean(unknown[0], LISTS)}")
    for name in names or LISTS:
        print("\n".join([f"{name}:", *(f"  {line}" for line in LISTS[name](options.plugin))]))
    return 0


def _report(words: Sequence[str]) -> int:
    from bench.commands.options import split_words
    from bench.runs.folder import load_run
    from reports import build, compare
    from reports.options import ReportOptions

    places, options = split_words(words, ReportOptions)
    if not places:
        raise ConfigError("no run given; legal: bench report RUN [RUN ...], folders that `bench run` wrote")
    paths = [load_run(place).path for place in places]
    if len(paths) > 1:
        print(compare(paths, options.out, force=options.force, pdf=options.pdf))
    elif options.force or options.out:
        raise ConfigError("force= and out= are for several runs; the report of one run lies in its folder")
    else:
        print(build(paths[0], pdf=options.pdf))
    return 0


def _selfcheck(words: Sequence[str]) -> int:
    from bench.checks.estimators.run import selfcheck
    from bench.commands.options import PluginOptions, split_words
    from bench.config.plugins import FileLoss, offers

    _, options = split_words([word for word in words if word.startswith("plugin=")], PluginOptions)
    names = [word for word in words if not word.startswith("plugin=")]  # a check's name may have a = in it
    known = offers(options.plugin)
    own = [known[name] for name in names if name in known]
    own += [offer for offer in known.values() if isinstance(offer, FileLoss) and not names]
    if not own:
        return selfcheck(names)
    if strange := [name for name in names if name not in known]:
        raise ConfigError(f"{strange[0]!r} is no loss; legal: {', '.join(known)}{did_you_mean(strange[0], known)}")
    from bench.checks.plugins.own import check_own

    return check_own(own)


def _verify(words: Sequence[str]) -> int:
    from bench.commands.options import one_place, split_words
    from bench.commands.verify import VerifyOptions, verify

    places, options = split_words(words, VerifyOptions)
    return verify(one_place(places, "bench verify RUN [share=.02] [seed=0] [store=DIR]"), options)


def _samples(words: Sequence[str]) -> int:
    from bench.commands.options import one_place, split_words
    from bench.commands.samples import SamplesOptions, show_samples

    places, options = split_words(words, SamplesOptions)
    usage = "bench samples RUN [cell=CELL] [budget=NATS] [row=ROW_ID] [n=5] [sort=gap|gold|proxy|length]"
    show_samples(one_place(places, usage), options)
    return 0


def _gc(words: Sequence[str]) -> int:
    from bench.commands.gc import GcOptions, collect
    from bench.commands.options import split_words

    places, options = split_words(words, GcOptions)
    if places:
        raise ConfigError(f"{places[0]!r} is no setting; legal: bench gc [delete=true] [runs=DIR] [store=DIR]")
    return collect(options)


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "run": _run,
    "plan": _plan,
    "ls": _ls,
    "report": _report,
    "selfcheck": _selfcheck,
    "samples": _samples,
    "verify": _verify,
    "gc": _gc,
}

"""One pytest session, collected once: the lines that each test runs, and some tests against a mutant, in children."""

import gc
import hashlib
import json
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import pytest
from forks import forked
from mutations import Mutant

FAILED, PASSED = 1, 0
LONGEST = 8.0  # seconds: a test that takes longer, traced, is run against no mutant
OPTIONS = ("-q", "--no-header", "--no-summary", "-p", "no:xdist", "-p", "no:cacheprovider", "-p", "no:faulthandler")


@dataclass
class Covered:
    """What a test runs: seconds, and lines by file."""

    seconds: float
    lines: dict[str, list[int]]


class FirstFailure:
    """Ends the process at the first failure."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            os._exit(FAILED)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            os._exit(FAILED)


class Session:
    """A plugin: collects `tests`, then gives itself to `work` in place of running them."""

    def __init__(self, work: Callable[["Session"], None]) -> None:
        self.work = work
        self.items: dict[str, pytest.Item] = {}
        self.config: Any = None

    def start(self, tests: Iterable[str]) -> None:
        code = pytest.main([*OPTIONS, *tests], plugins=[self])
        assert code == 0, f"pytest ended with {code}; run the tests by themselves first"

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        assert not session.testsfailed, "a test file cannot be imported"
        self.items, self.config = {item.nodeid: item for item in session.items}, session.config
        gc.collect()
        self.work(self)
        return True

    def run(self, names: list[str], folder: Path) -> int:
        """In a child: run tests until one fails."""
        self.config._tmp_path_factory._given_basetemp = folder / "tmp"
        self.config.pluginmanager.register(FirstFailure())
        items = [self.items[name] for name in names]
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        return PASSED

    def coverage(self, files: set[str], known: dict[str, Any], workers: int) -> dict[str, Any]:
        """The lines of `files` that each passing test runs, each test alone and from a fresh start.

        `known` is an earlier result; a test is run anew where its file or any other file changed.
        """
        code = [path for path in sorted(Path("bench").rglob("*.py")) if path.parts[1] != "checks"]
        code += [*sorted(Path("gold").rglob("*.py")), *sorted(Path("tests/toys").rglob("*.py"))]
        product = digest(*code)
        checks = digest(*sorted(Path("bench/checks").rglob("*.py")))
        keys = {
            name: digest(item.path)
            + product
            + (checks if "estimators.run" in item.path.read_text(encoding="utf-8") else "")
            for name, item in self.items.items()
        }
        result = {name: known[name] for name, key in keys.items() if name in known and known[name]["key"] == key}

        def done(name: str, status: int, seconds: float, folder: Path) -> None:
            file = folder / "lines.json"
            lines = json.loads(file.read_text()) if status == PASSED and file.exists() else {}
            result[name] = {"key": keys[name], **asdict(Covered(round(seconds, 3), lines))}

        def job(name: str) -> tuple[str, float, Callable[[Path], int]]:
            return name, LONGEST, lambda folder: self._traced(name, files, folder)

        forked((job(name) for name in keys if name not in result), workers, done)
        return result

    def _traced(self, name: str, files: set[str], folder: Path) -> int:
        lines: dict[str, set[int]] = defaultdict(set)

        def called(frame: FrameType, event: str, argument: Any) -> Any:
            file = frame.f_code.co_filename
            if file not in files:
                return None
            seen = lines[file]
            seen.add(frame.f_lineno)

            def local(frame: FrameType, event: str, argument: Any) -> Any:
                seen.add(frame.f_lineno)
                return local

            return local

        sys.settrace(called)
        try:
            status = self.run([name], folder)
        finally:
            sys.settrace(None)
        root = Path.cwd()
        found = {Path(file).relative_to(root).as_posix(): sorted(at) for file, at in lines.items()}
        (folder / "lines.json").write_text(json.dumps(found))
        return status


def digest(*paths: Path) -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:16]


def functions() -> dict[tuple[str, str], list[FunctionType]]:
    """Every Python function that is loaded, wrapped or not, by file and qualified name."""
    found: dict[tuple[str, str], list[FunctionType]] = defaultdict(list)
    for thing in gc.get_objects():
        if type(thing) is FunctionType:
            found[thing.__code__.co_filename, thing.__code__.co_qualname].append(thing)
    return found


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def plant(mutant: Mutant, tree: Any, loaded: dict[tuple[str, str], list[FunctionType]]) -> bool:
    """Give the loaded functions of the mutant's outermost function the mutated code. False if none is loaded."""
    filename = str(Path.cwd() / mutant.path)
    new = {(code.co_qualname, code.co_firstlineno): code for code in _codes(mutant.compiled(tree, filename))}
    planted = False
    for (qualname, _), code in new.items():
        alike = [key for key in new if key[0] == qualname]
        for function in loaded.get((filename, qualname), []):
            same_line = function.__code__.co_firstlineno == code.co_firstlineno
            if (len(alike) > 1 and not same_line) or len(function.__code__.co_freevars) != len(code.co_freevars):
                continue
            function.__code__ = code
            planted = planted or qualname == mutant.function or mutant.function.startswith(f"{qualname}.")
    return planted

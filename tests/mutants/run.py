"""`make mutants`: change the product in one small place, run the tests and checks that reach it, count what is noticed.

    make mutants                                  # every mutant
    make mutants OPTIONS="sample=200 seed=1"      # so many, drawn over files in proportion to their mutants
    make mutants OPTIONS="path=bench/losses"      # some files
    make mutants OPTIONS="only=survivors"         # those that survived the last run
    make mutants OPTIONS="workers=2 seconds=20"   # processes; the tests of one mutant stop after so many seconds

A mutant is killed if a test or a check of `bench selfcheck` fails, or does not end. The lines of each test are recorded
once; a mutant is run against tests that reach its line, short ones first. Mutants of functions are planted in forks
of a process that has everything loaded; those of a module's constants are imported anew. Tests that start processes
are left out, since these would load the unchanged code. `survivors.yaml` lists survivors with a reason: `equivalent`
ones are not counted, others are. Results are in build/mutants/.
"""

import importlib
import importlib.machinery
import json
import math
import os
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from forks import forked
from mutations import Mutant, mutants
from session import OPTIONS, FirstFailure, Session, functions, plant

ROOT = Path(__file__).parents[2]
BUILD, HERE = ROOT / "build" / "mutants", Path("tests/mutants")
TARGETS = ("methods", "samplers", "losses", "training", "measure", "rewards", "stats")
FILES = ("bench/lm/kl.py", "bench/lm/logprobs.py", "bench/lm/generate.py")
TESTS = (
    *(f"tests/{room}" for room in ("core", "gold", "lm", "losses", "measure", "methods", "pipeline", "rewards")),
    *("tests/samplers", "tests/stats", "tests/training", "tests/checks/estimators/test_exact.py"),
    *("tests/checks/plugins", "tests/test_doctests.py", f"{HERE}/selfcheck_items.py"),
)
LOADED = ("numpy", "scipy.stats", "scipy.interpolate", "pandas", "pyarrow.parquet", "torch", "transformers", "pydantic")
SLACK = 4.0  # a mutant's tests may take so many times their seconds, and ten more


def main(words: list[str]) -> None:
    options = {"sample": "0", "seed": "0", "path": "", "only": "", "workers": "1", "seconds": "20"}
    options |= dict(word.split("=", 1) for word in words)
    os.chdir(ROOT)
    BUILD.mkdir(parents=True, exist_ok=True)
    os.nice(5)
    for name in LOADED:
        importlib.import_module(name)
    sys.modules["torch"].set_num_threads(1)
    every, trees = population()
    chosen = selected(every, options)
    run = Run(trees, int(options["workers"]), float(options["seconds"]))
    started = time.monotonic()
    child = os.fork()  # so that this process keeps no module of the product
    if child == 0:
        Session(run.warm([m for m in chosen if m.in_function])).start(TESTS)
        (BUILD / "warm.json").write_text(json.dumps(run.results))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, "the session of tests ended early"
    run.results = json.loads((BUILD / "warm.json").read_text())
    run.cold([m for m in chosen if not m.in_function or run.results[m.name]["by"] == "not loaded"])
    report(every, chosen, run.results, time.monotonic() - started)


def population() -> tuple[list[Mutant], dict[str, Any]]:
    files = [p for room in TARGETS for p in sorted((ROOT / "bench" / room).rglob("*.py"))]
    found, trees = [], {}
    for file in [*files, *(ROOT / name for name in FILES)]:
        tree, mutated = mutants(file, ROOT)
        found += mutated
        trees[file.relative_to(ROOT).as_posix()] = tree
    return found, trees


def selected(every: list[Mutant], options: dict[str, str]) -> list[Mutant]:
    chosen = [m for m in every if m.path.startswith(options["path"])]
    if options["only"] == "survivors":
        last = json.loads((BUILD / "results.json").read_text())
        chosen = [m for m in chosen if last.get(m.name, {"killed": True})["killed"] is False]
    share = min(1.0, int(options["sample"]) / max(1, len(chosen))) if options["sample"] != "0" else 1.0
    by_file = defaultdict(list)
    for mutant in chosen:
        by_file[mutant.path].append(mutant)
    chance, kept = random.Random(int(options["seed"])), []
    for group in by_file.values():  # the fraction left over is drawn, so that small files are not left out
        kept += chance.sample(group, math.floor(share * len(group) + chance.random() * (share < 1)))
    return kept


class Run:
    """Mutants against the tests that reach them."""

    def __init__(self, trees: dict[str, Any], workers: int, seconds: float) -> None:
        self.trees, self.workers, self.seconds = trees, workers, seconds
        self.results: dict[str, Any] = {}
        self.covered: dict[str, Any] = {}

    def warm(self, chosen: list[Mutant]) -> Callable[[Session], None]:
        def work(session: Session) -> None:
            file = BUILD / "coverage.json"
            known = json.loads(file.read_text()) if file.exists() else {}
            targets = {str(ROOT / path) for path in self.trees}
            self.covered = session.coverage(targets, known, self.workers)
            file.write_text(json.dumps(self.covered))
            loaded = functions()

            def job(mutant: Mutant) -> Callable[[Path], int]:
                def planted(folder: Path) -> int:
                    if not plant(mutant, self.trees[mutant.path], loaded):
                        return 98
                    return session.run(self.tests(mutant), folder)

                return planted

            self._run(chosen, job)

        return work

    def cold(self, chosen: list[Mutant]) -> None:
        self.covered = json.loads((BUILD / "coverage.json").read_text())

        def job(mutant: Mutant) -> Callable[[Path], int]:
            def imported(folder: Path) -> int:
                import_instead(ROOT / mutant.path, mutant.source(self.trees[mutant.path]))
                words = [*OPTIONS, f"--basetemp={folder / 'tmp'}", *self.tests(mutant)]
                return int(pytest.main(words, plugins=[FirstFailure()]))

            return imported

        self._run(chosen, job)

    def tests(self, mutant: Mutant) -> list[str]:
        """Tests that run the mutant's line, or for a constant its file: short ones first, together no longer than
        `seconds`. Similar times are ordered by file, so that what a file's tests share is made once."""
        lines = {
            name: test["lines"].get(mutant.path, ())
            for name, test in self.covered.items()
            if test["lines"].get(mutant.path)
        }
        reach = [name for name in lines if not mutant.in_function or mutant.line in lines[name]]
        order = sorted(reach, key=lambda n: (int(math.log2(0.25 + self.covered[n]["seconds"])), n))
        kept, total = [], 0.0
        for name in order:
            total += self.covered[name]["seconds"]
            if kept and total > self.seconds:
                break
            kept.append(name)
        return kept

    def _run(self, chosen: list[Mutant], job: Callable[[Mutant], Callable[[Path], int]]) -> None:
        def done(name: str, status: int, seconds: float, folder: Path) -> None:
            by = {0: "", 1: "a test", -1: "the deadline", 98: "not loaded", 5: ""}.get(status, f"exit {status}")
            self.results[name] = {"killed": bool(by) and by != "not loaded", "by": by, "seconds": round(seconds, 2)}
            if len(self.results) % 100 == 0:
                killed = sum(result["killed"] for result in self.results.values())
                print(f"{killed} of {len(self.results)} killed", flush=True)

        def jobs() -> Any:
            for mutant in chosen:
                names = self.tests(mutant)
                allowed = 10 + SLACK * sum(self.covered[name]["seconds"] for name in names)
                if names:
                    yield mutant.name, allowed, job(mutant)
                else:
                    self.results[mutant.name] = {"killed": False, "by": "reached by no test", "seconds": 0.0}

        forked(jobs(), self.workers, done)


def import_instead(path: Path, source: str) -> None:
    """From now on the module at `path` is made of this source, compiled anew."""
    loader = importlib.machinery.SourceFileLoader
    get_data, path_stats = loader.get_data, loader.path_stats

    def data(self: Any, name: str) -> bytes:
        return source.encode() if name == str(path) else get_data(self, name)

    def stats(self: Any, name: str) -> Any:
        if name == str(path):
            raise OSError("not cached")
        return path_stats(self, name)

    sys.dont_write_bytecode = True
    loader.get_data, loader.path_stats = data, stats  # type: ignore[method-assign]


def report(every: list[Mutant], chosen: list[Mutant], results: dict[str, Any], seconds: float) -> None:
    """Write the results; print the survivors without a reason, stale reasons and the table by package."""
    file = BUILD / "results.json"
    earlier = json.loads(file.read_text()) if file.exists() else {}
    names = {m.name for m in every}
    file.write_text(json.dumps({**{n: r for n, r in earlier.items() if n in names}, **results}, indent=1))
    reasons = yaml.safe_load((ROOT / HERE / "survivors.yaml").read_text(encoding="utf-8")) or {}
    equivalent, other = (set(reasons.get(kind) or {}) for kind in ("equivalent", "kept"))
    for mutant in chosen:
        if not results[mutant.name]["killed"] and mutant.name not in equivalent | other:
            print(f"survived, line {mutant.line}: {mutant.name}")
    for name in sorted(equivalent | other):
        if name not in names or results.get(name, {"killed": False})["killed"]:
            print(f"stale in survivors.yaml: {name}")
    count: dict[str, Counter[str]] = defaultdict(Counter)
    for mutant in chosen:
        kind = "killed" if results[mutant.name]["killed"] else "survived"
        kind = "equivalent" if kind == "survived" and mutant.name in equivalent else kind
        for package in (mutant.path.split("/")[1], "total"):
            count[package][kind] += 1
    print(
        "\n| package | mutants | equivalent | killed | survived | share | 95% Wilson |\n|---|---|---|---|---|---|---|"
    )
    for package in [*sorted(set(count) - {"total"}), "total"]:
        killed, survived, alike = (count[package][kind] for kind in ("killed", "survived", "equivalent"))
        n = killed + survived
        low, high = wilson(killed, n)
        share = f"{killed / n:.1%} | {low:.1%} to {high:.1%}" if n else " | "
        print(f"| {package} | {n + alike} | {alike} | {killed} | {survived} | {share} |")
    print(f"{len(chosen)} of {len(every)} mutants in {seconds / 60:.0f} min")


def wilson(k: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """The Wilson interval of a share."""
    if n == 0:
        return math.nan, math.nan
    p, w = k / n, z * z / n
    half = z * math.sqrt(p * (1 - p) / n + w / (4 * n))
    return (p + w / 2 - half) / (1 + w), (p + w / 2 + half) / (1 + w)


if __name__ == "__main__":
    main(sys.argv[1:])

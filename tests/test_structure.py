"""Sizes that keep the code readable, and packages without import circles."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOPS = ("bench", "gold", "reports")

FILE_LINES, FUNCTION_LINES, FOLDER_MODULES, REPORT_PACKAGES = 250, 60, 16, 16

WIDE_FOLDERS = {
    "bench/pipeline": "one module for each kind of stage, and the plan that joins them",
    "bench/config": "one module for each part of a suite's file, and the readers of command lines; none stands alone",
}
"""Folders that may hold more than FOLDER_MODULES modules, each with the reason."""

FILES = [path for top in (*TOPS, "examples") for path in sorted((ROOT / top).rglob("*.py"))]
FOLDERS = sorted({path.parent for path in FILES})


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_and_functions_are_short(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= FILE_LINES
    functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = {f.name: (f.end_lineno or f.lineno) - f.lineno + 1 for f in functions}
    assert {name: n for name, n in lengths.items() if n > FUNCTION_LINES} == {}


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_folders_hold_few_modules(folder):
    modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
    assert (len(modules) > FOLDER_MODULES) == (name_of(folder) in WIDE_FOLDERS)


def test_reports_have_few_packages():
    assert len(list((ROOT / "reports").rglob("__init__.py"))) <= REPORT_PACKAGES


def package_of(module: str) -> str:
    """`bench.config.suite` -> `bench.config`. A module directly below `bench` or `reports` stands for itself."""
    parts = module.split(".")
    return parts[0] if parts[0] == "gold" else ".".join(parts[:2])


def imports(tree: ast.AST) -> Iterator[str]:
    """Modules that import statements name, also inside functions; without those under `if TYPE_CHECKING`."""
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=other):
                for statement in other:
                    yield from imports(ast.Module([statement], []))
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), names=names):
                yield from (f"{module}.{alias.name}" if module in TOPS else module for alias in names)
            case _:
                yield from imports(node)


def graph_of(sources: dict[str, str]) -> dict[str, set[str]]:
    """The packages that each package imports, from the source of each module."""
    graph: dict[str, set[str]] = {package_of(module): set() for module in sources}
    for module, source in sources.items():
        package = package_of(module)
        targets = {package_of(name) for name in imports(ast.parse(source)) if name.partition(".")[0] in TOPS}
        # `from reports import build` names an object of the package itself
        graph[package] |= {t if t in graph else t.partition(".")[0] for t in targets} - {package}
    return graph


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The groups of packages that import each other, directly or through others."""

    def reachable(start: str) -> set[str]:
        found, waiting = set(), [start]
        while waiting:
            new = graph.get(waiting.pop(), set()) - found
            found |= new
            waiting += new
        return found

    reach = {package: reachable(package) for package in graph}
    groups = {tuple(sorted(q for q in graph if q in reach[p] and p in reach[q])) for p in graph}
    return sorted(list(group) for group in groups if len(group) > 1)


def test_packages_import_each_other_in_no_circle():
    paths = [path for path in FILES if name_of(path).split("/")[0] in TOPS]
    names = {path: path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".") for path in paths}
    sources = {name.removesuffix(".__init__"): path.read_text(encoding="utf-8") for path, name in names.items()}
    assert circles(graph_of(sources)) == []


def test_a_circle_is_seen_also_through_a_lazy_import_and_a_third_package():
    sources = {
        "bench.a.x": "from bench.b.y import f",
        "bench.b.y": "def f():\n    import bench.c.z",
        "bench.c.z": "from bench.a import x",
        "bench.d.w": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import bench.e.v",
        "bench.e.v": "import bench.d.w",
    }
    assert circles(graph_of(sources)) == [["bench.a", "bench.b", "bench.c"]]

"""Provenance of a number: hashes of code, versions of libraries, the state of git, the machine.

Imports no torch: the parent process and `bench plan` derive keys from here. `stage` calls the
first two functions, `run_folder` the others. What a module loads by a computed name is not seen.
"""

import ast
import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

_PACKAGES = ("bench", "gold")
_LIBRARIES = ("torch", "transformers", "trl")
_Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@cache
def code_hash(module: str) -> str:
    """Hash of the code that `import module` can reach inside this project, comments and docstrings apart.

    Raises ModuleNotFoundError for an unknown module.
    """
    code = closure(module)
    text = "\0".join(f"{name}\0{code[name]}" for name in sorted(code))
    return hashlib.sha256(text.encode()).hexdigest()[:24]


@cache
def closure(module: str) -> dict[str, str]:
    """The code of every module that `import module` can reach in this project and in the module's own package.

    It follows every import statement, those inside functions too; `if TYPE_CHECKING:` blocks never run, so they do not
    count. Raises ModuleNotFoundError for an unknown module.
    """
    if _source(module) is None:
        raise ModuleNotFoundError(f"stage module {module!r} cannot be imported; check its spelling", name=module)
    packages = {*_PACKAGES, module.partition(".")[0]}
    seen: dict[str, str] = {}
    todo = [module]
    while todo:
        name = todo.pop()
        if name in seen or name.partition(".")[0] not in packages or (path := _source(name)) is None:
            continue
        seen[name], imported = _read(name, path)
        todo += [*_parents(name), *imported]
    return seen


@cache
def _read(module: str, path: Path) -> tuple[str, tuple[str, ...]]:
    """A module's code in its normal form, and every name that it may load."""
    tree = ast.parse(path.read_bytes(), filename=str(path))
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    imported = tuple(_imports(tree, package))
    return _normal_form(tree), imported


@cache
def _source(module: str) -> Path | None:
    """The file of a module, found without importing it or any package above it."""
    top, *rest = module.split(".")
    spec = importlib.util.find_spec(top)
    if spec is None:
        return None
    if not spec.submodule_search_locations:
        return Path(spec.origin) if spec.origin and not rest else None
    for root in map(Path, spec.submodule_search_locations):
        for path in (root.joinpath(*rest, "__init__.py"), root.joinpath(*rest).with_suffix(".py") if rest else None):
            if path is not None and path.is_file():
                return path
    return None


def _parents(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:i]) for i in range(1, len(parts))]


def _imports(tree: ast.AST, package: str) -> Iterator[str]:
    """Every name that an import statement under `tree` may load; a name that is no module is harmless."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            for alternative in node.orelse:
                yield from _imports(ast.Module([alternative], []), package)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
        else:
            yield from _imports(node, package)


def _normal_form(tree: ast.Module) -> str:
    """The code without comments, layout and docstrings."""
    for node in ast.walk(tree):
        if isinstance(node, _Documented) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


@cache
def library_versions() -> dict[str, str]:
    """Versions of the libraries that make the numbers, a build suffix such as `+cpu` kept."""
    return {name: importlib.metadata.version(name) for name in _LIBRARIES}


def git_state() -> dict[str, Any] | None:
    """Commit and whether the tree differs from it; None where the code does not lie in a git checkout."""
    root = Path(__file__).parents[2]

    def git(*args: str) -> str:
        return subprocess.run(["git", *args], cwd=root, capture_output=True, text=True, check=True).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", "bench/__init__.py")
        return {"commit": git("rev-parse", "HEAD"), "dirty": bool(git("status", "--porcelain"))}
    except (OSError, subprocess.CalledProcessError):
        return None


def cpu_count() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def environment() -> dict[str, Any]:
    """Facts needed to repeat a run: interpreter, machine, versions, commit."""
    return {
        "goldbench": importlib.metadata.version("goldbench"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": cpu_count(),
        "versions": library_versions(),
        "git": git_state(),
    }

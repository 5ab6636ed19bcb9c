"""Preference losses that users add: their names, and a hash of each definition. No added code is run.

A plugin file (`plugin=FILE.py`) adds its public top-level functions, read from its syntax tree. An installed package
adds names in the entry point group `goldbench.losses`, read from its metadata. A configuration file holds no code: it
can only name losses of these two. `bench.config.losses` checks a suite; `bench.losses.plugins` loads.
"""

import ast
import hashlib
import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import final

from bench.config.explain import one_line
from bench.errors import ConfigError

GROUP = "goldbench.losses"
_BUILT_IN = Path(__file__).parents[1] / "losses" / "margin"  # one file each


@final
@dataclass(frozen=True)
class FileLoss:
    """A function of a plugin file; the whole file defines it, but not what the file imports."""

    name: str
    path: Path
    summary: str

    @property
    def origin(self) -> str:
        return str(self.path)

    def __str__(self) -> str:
        return f"{self.name!r} of {self.origin}"

    def sha256(self) -> str:
        return hashlib.sha256(source(self.path)).hexdigest()


@final
@dataclass(frozen=True)
class PackageLoss:
    """A loss of an installed package, defined by its version and the Python sources of its top-level package."""

    name: str
    entry: EntryPoint

    summary: str = ""

    @property
    def origin(self) -> str:
        return f"{self.entry.dist.name} {self.entry.dist.version}" if self.entry.dist else self.entry.module

    def __str__(self) -> str:
        return f"{self.name!r} of {self.origin}"

    def sha256(self) -> str:
        digest = hashlib.sha256(f"{self.origin}\0{self.entry.value}".encode())
        for name, path in self._sources():
            digest.update(b"\0".join([b"", name.encode(), source(path)]))
        return digest.hexdigest()

    def _sources(self) -> list[tuple[str, Path]]:
        top = self.entry.module.partition(".")[0]
        spec = importlib.util.find_spec(top)  # of a top-level name: imports nothing
        if spec is None:
            raise ConfigError(f"{self}: its module {top!r} is not importable; install the package again")
        folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
        inside = [(path.relative_to(folder).as_posix(), path) for folder in folders for path in folder.rglob("*.py")]
        return sorted(inside) or [(top, Path(spec.origin or top))]


LossDefinition = FileLoss | PackageLoss


def added_losses(plugin: Path | None) -> dict[str, LossDefinition]:
    """Every loss that is not built in, by name. Raises ConfigError for a name that is used twice."""
    found: dict[str, LossDefinition] = {}
    every: list[LossDefinition] = [*file_losses(plugin), *_package_losses()]
    for definition in every:
        if (_BUILT_IN / f"{definition.name}.py").is_file():
            raise ConfigError(f"{definition} has the name of a built-in loss; rename it")
        if definition.name in found:
            raise ConfigError(f"{definition} has the name of {found[definition.name]}; rename one of the two")
        found[definition.name] = definition
    return found


def file_losses(plugin: Path | None) -> list[FileLoss]:
    """The losses of a plugin file, in its order."""
    if plugin is None:
        return []
    plugin = Path(os.path.expanduser(plugin))  # an unknown user's ~ stays as it is
    if plugin.suffix != ".py" or not plugin.is_file():
        raise ConfigError(f"plugin={plugin} is not a Python file; give the path of one, as in plugin=losses.py")
    found = [FileLoss(name, plugin, summary) for name, summary in functions(plugin).items()]
    if not found:
        raise ConfigError(f"plugin={plugin} defines no public function at its top level; write def NAME(x): ...")
    return found


def functions(path: Path) -> dict[str, str]:
    """The public top-level functions of a Python file with the first lines of their docstrings. Nothing is run."""
    try:
        tree = ast.parse(source(path), filename=str(path))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ConfigError(f"{path} cannot be parsed as Python: {one_line(error)}") from None
    public = [n for n in tree.body if isinstance(n, ast.FunctionDef) and not n.name.startswith("_")]
    return {node.name: (ast.get_docstring(node) or "").partition("\n")[0] for node in public}


def helpers(path: Path) -> dict[str, str]:
    """Public functions of a plugin file that are no losses by themselves, with the reason. Nothing is run.

    A loss takes one argument, and no other function of the file calls it.
    """
    tree = ast.parse(source(path), filename=str(path))
    every = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    found: dict[str, str] = {}
    for node in every:
        required = len(node.args.posonlyargs + node.args.args) - len(node.args.defaults)
        required += sum(default is None for default in node.args.kw_defaults)
        callers = [other.name for other in every if other is not node and node.name in _names(other)]
        if node.name.startswith("_"):
            continue
        if required != 1:
            found[node.name] = f"takes {required} arguments, a loss one"
        elif callers:
            found[node.name] = f"{callers[0]} calls it"
    return found


def _names(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def source(path: Path) -> bytes:
    """The bytes of a file. Raises ConfigError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from None


def _package_losses() -> Iterator[PackageLoss]:
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        if entry.name.isidentifier() and not entry.name.startswith("_"):
            yield PackageLoss(entry.name, entry)

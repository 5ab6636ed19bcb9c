"""The mutants of a module: its syntax tree with one small change.

Not mutated: docstrings, annotations, decorators, assertions, what an error says, strings, imports, `__repr__`.
"""

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMPARE: dict[type, type] = {
    **{ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq},
    **{ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In},
}
ARITHMETIC: dict[type, type] = {
    **{ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Div},
    **{ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.MatMult: ast.Mult},
}
NAMES = {"minimum": "maximum", "min": "max", "any": "all", "mean": "sum", "argmin": "argmax", "floor": "ceil"}
NAMES |= {new: old for old, new in NAMES.items()} | {"clamp_min": "clamp_max", "clamp_max": "clamp_min"}
BLOCKS = ("body", "orelse", "finalbody")


@dataclass(frozen=True)
class Mutant:
    """One change of the tree: `parent.field`, at `index` if that is a list, becomes `new`."""

    path: str  # from the repository's root
    function: str  # qualified name; "" at module level, or a class's where its body is what changes
    line: int
    change: str  # "before -> after", numbered where a function has several alike
    in_function: bool
    parent: ast.AST
    field: str
    index: int | None
    new: Any

    @property
    def name(self) -> str:
        """What the list of survivors calls it: no line number, so that it outlives edits elsewhere."""
        return f"{self.path}::{self.function or 'module'}: {self.change}"

    def _set(self, value: Any) -> Any:
        if self.index is None:
            old = getattr(self.parent, self.field)
            setattr(self.parent, self.field, value)
        else:
            held = getattr(self.parent, self.field)
            old, held[self.index] = held[self.index], value
        return old

    def source(self, tree: ast.Module) -> str:
        """The whole module with this change. Leaves the tree as it was."""
        old = self._set(self.new)
        try:
            return ast.unparse(tree)
        finally:
            self._set(old)

    def compiled(self, tree: ast.Module, filename: str) -> Any:
        """The same, compiled, with the lines of the original."""
        old = self._set(self.new)
        try:
            return compile(ast.fix_missing_locations(tree), filename, "exec")
        finally:
            self._set(old)


def mutants(path: Path, root: Path) -> tuple[ast.Module, list[Mutant]]:
    """A module's tree and every mutant of it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = list(_walk(tree, path.relative_to(root).as_posix(), (), False))
    seen: Counter[str] = Counter()
    numbered = []
    for mutant in found:
        seen[mutant.name] += 1
        number = seen[mutant.name]
        change = mutant.change if number == 1 else f"{mutant.change} #{number}"
        numbered.append(Mutant(**{**vars(mutant), "change": change}))
    return tree, numbered


def _walk(node: ast.AST, path: str, names: tuple[str, ...], in_function: bool) -> Iterator[Mutant]:
    for field, index, child in _children(node):
        for new in _changes(node, field, child):
            change = f"{_text(child)} -> {_text(new)}"
            line = getattr(child, "lineno", getattr(node, "lineno", 0))
            yield Mutant(path, ".".join(names), line, change, in_function, node, field, index, new)
        inner, deeper = names, in_function
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            inner, deeper = (*names, child.name), True
            yield from _defaults(child.args, path, ".".join(inner), in_function)
        elif isinstance(child, ast.ClassDef):
            inner = (*names, child.name)
        yield from _walk(child, path, inner, deeper)


def _children(node: ast.AST) -> Iterator[tuple[str, int | None, ast.AST]]:
    """The parts that may be mutated."""
    skipped = {"annotation", "returns", "decorator_list", "type_params", "args"} if _is_definition(node) else set()
    if isinstance(node, ast.AnnAssign):
        skipped = {"annotation"}
    if isinstance(node, ast.ClassDef):
        skipped |= {"bases", "keywords"}
    for field, value in ast.iter_fields(node):
        if field in skipped:
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST) and not _skipped(child):
                yield field, index, child


def _is_definition(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.arg)


def _skipped(node: ast.AST) -> bool:
    match node:
        case ast.Import() | ast.ImportFrom() | ast.Assert() | ast.JoinedStr() | ast.arguments():
            return True
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.FunctionDef(name="__repr__" | "__str__"):
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Subscript()):  # Alias = Callable[...]
            return name[:1].isupper() and not name.isupper()
    return False


def _defaults(args: ast.arguments, path: str, function: str, in_function: bool) -> Iterator[Mutant]:
    for field in ("defaults", "kw_defaults"):
        for index, default in enumerate(getattr(args, field)):
            if isinstance(default, ast.Constant | ast.UnaryOp):
                for new in _changes(args, field, default):
                    change = f"default {_text(default)} -> {_text(new)}"
                    yield Mutant(path, function, default.lineno, change, in_function, args, field, index, new)


def _changes(parent: ast.AST, field: str, node: ast.AST) -> Iterator[Any]:
    """What may stand in a node's place."""
    match node:
        case ast.Raise() | ast.Continue() | ast.Break() | ast.AugAssign() if field in BLOCKS:
            yield _nothing(node)
        case ast.Expr(value=ast.Call() | ast.Yield()) if field in BLOCKS:
            yield _nothing(node)
        case ast.Assign(targets=[ast.Subscript()]) if field in BLOCKS:
            yield _nothing(node)
    match node:
        case ast.AugAssign(op=op) if type(op) in ARITHMETIC:
            yield _like(node, op=ARITHMETIC[type(op)]())
        case ast.Compare(ops=ops):
            for i, op in enumerate(ops):
                yield _like(node, ops=[*ops[:i], COMPARE[type(op)](), *ops[i + 1 :]])
        case ast.BinOp(op=op, left=left, right=right) if type(op) in ARITHMETIC and not _is_text(left, right):
            yield _like(node, op=ARITHMETIC[type(op)]())
        case ast.BoolOp(op=op):
            yield _like(node, op=ast.Or() if isinstance(op, ast.And) else ast.And())
        case ast.UnaryOp(operand=operand):
            yield operand
        case ast.Constant(value=value) if not isinstance(parent, ast.UnaryOp):
            yield from (ast.copy_location(ast.Constant(new), node) for new in _numbers(value))
        case ast.Call():
            yield from _calls(node)
        case ast.Attribute(attr=name) if name in NAMES:
            yield _like(node, attr=NAMES[name])
        case ast.Name(id=name) if name in NAMES and isinstance(parent, ast.Call) and field == "func":
            yield _like(node, id=NAMES[name])
    if field == "test" or (field == "ifs" and isinstance(parent, ast.comprehension)):
        assert isinstance(node, ast.expr)
        if not isinstance(node, ast.Compare | ast.UnaryOp) or (
            isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE)
        ):
            yield ast.copy_location(ast.UnaryOp(ast.Not(), node), node)
    if isinstance(parent, ast.Slice) and field in ("lower", "upper") and not isinstance(node, ast.Constant):
        assert isinstance(node, ast.expr)
        yield ast.copy_location(ast.BinOp(node, ast.Add(), ast.Constant(1)), node)


def _calls(node: ast.Call) -> Iterator[ast.AST]:
    plain = not any(isinstance(argument, ast.Starred) for argument in node.args)
    if plain and len(node.args) >= 2 and ast.dump(node.args[0]) != ast.dump(node.args[1]):
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name not in NAMES and name not in ("isinstance", "zip", "getattr", "allclose", "isclose"):
            yield _like(node, args=[node.args[1], node.args[0], *node.args[2:]])
    for i, keyword in enumerate(node.keywords):
        if keyword.arg not in (None, "strict", "encoding", "dtype", "device"):
            yield _like(node, keywords=[*node.keywords[:i], *node.keywords[i + 1 :]])


def _numbers(value: Any) -> list[Any]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, -value] if value else [1]
    if isinstance(value, float):
        return [2 * value, -value] if value else [1.0]
    return []


def _is_text(*nodes: ast.AST) -> bool:
    return any(
        isinstance(n, ast.JoinedStr) or (isinstance(n, ast.Constant) and isinstance(n.value, str)) for n in nodes
    )


def _nothing(node: ast.AST) -> ast.AST:
    return ast.copy_location(ast.Pass(), node)


def _like(node: Any, **changed: Any) -> Any:
    return ast.copy_location(type(node)(**{**dict(ast.iter_fields(node)), **changed}), node)


def _text(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())

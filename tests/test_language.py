"""Plain English in code and docs: no retired names, no phrases that read as translated.

Each room is one case.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

NAMES = frozenset(
    [
        "asked",
        "said",
        "told",
        "shown",
        "given",
        "taught",
        "meets",
        "company",
        "offers",
        "own",
        "looks",
        "opened",
        "drawing",
        "measuring",
        "hardest",
        "static",
        "judges",
        "recipe",
        "stamp",
        "drawn",
        "parting",
    ]
)
"""Names that no function, class, argument, attribute or variable may have: verbs and idioms in place of nouns."""

ALLOWED: dict[str, str] = {}
"""Names that a third-party API forces, each with the reason."""

PHRASES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\bis no (loss|setting|method|world|proxy|suite|name|run|split|brief|part|key)\b",
        r"\blegal( there)?:",
        r"\bis not legal\b",
        r"\b(was|were|is|are) asked\b",
        r"\bwho asks\b",
        r"\basked (for|above|below|within)\b",
        r"\basks? of\b",
        r"\b(is|are|was|were) told\b",
        r"\btold\b",
        r"\bunless told\b",
        r"\bcompany\b",
        r"\bmeets\b",
        r"\btaught\b",
        r"\bwhoever\b",
        r"\bnobody('s)?\b",
        r"outside its support",
        r"\bfinite numbers\b",
        r"\bof its own\b",
        r"\bthis changed\b",
        r"\bused to be\b",
        r"\bhas to say\b",
        r"\bwhat was asked\b",
    )
)
"""Phrases that neither docstrings, comments, messages nor pages may contain."""

OPENERS = re.compile(r"\s*(What|Whether|Who|Of)\s")
"""First words that turn a docstring into a riddle. Begin with a noun or a verb."""

ROOMS = (
    *("bench", "bench/checks/estimators", "bench/checks/plugins", "bench/checks/runs", "bench/checks/statistics"),
    *("bench/commands", "bench/config", "bench/core", "bench/engine", "bench/lm", "bench/losses", "bench/measure"),
    *("bench/methods", "bench/pipeline", "bench/rewards", "bench/runs", "bench/samplers", "bench/stats"),
    *("bench/training", "bench/worlds", "gold", "reports", "suites", "examples", "docs", "README.md"),
    "CONTRIBUTING.md",
)
"""Every room. A file belongs to the longest one that contains it."""

NOT_READ = frozenset({"docs/LOG.md"})  # a dated log quotes what it records


def files_of(room: str) -> list[Path]:
    """The Python files, suites and pages of a room, without those of rooms inside it."""
    top = ROOT / room
    found = [top] if top.is_file() else [p for p in sorted(top.rglob("*")) if p.suffix in (".py", ".md", ".yaml")]
    inner = [ROOT / other for other in ROOMS if other != room and other.startswith(f"{room}/")]
    skipped = {ROOT / name for name in NOT_READ}
    return [p for p in found if p not in skipped and not any(p.is_relative_to(folder) for folder in inner)]


def retired(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, name) of each definition, argument, attribute and assigned variable with a retired name."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name) | ast.Attribute(attr=name):
                pass
            case ast.Name(id=name, ctx=ast.Store()):
                pass
            case _:
                continue
        if name in NAMES - ALLOWED.keys():
            yield node.lineno, f"retired name {name!r}"


def docstrings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, text) of each docstring, and of each bare string below an assignment."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value


def prose(source: str) -> Iterator[tuple[int, str]]:
    """(line, text) of each comment and of each string literal, also inside f-strings."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def phrases(texts: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """(line, phrase) of each forbidden phrase. Line breaks count as spaces."""
    for line, text in texts:
        joined = " ".join(text.split())
        for pattern in PHRASES:
            if found := pattern.search(joined):
                yield line, f"{found.group()!r} in {joined[max(0, found.start() - 40) : found.end() + 40]!r}"


def faults_of_python(source: str) -> list[tuple[int, str]]:
    """All faults of a module's source, by line."""
    tree = ast.parse(source)
    riddles = ((line, f"opens with {text.split()[0]!r}") for line, text in docstrings(tree) if OPENERS.match(text))
    return sorted([*retired(tree), *riddles, *phrases(prose(source))])


def paragraphs(text: str) -> Iterator[tuple[int, str]]:
    """(line, text) of each paragraph of a page or of a suite's comments."""
    line = 1
    for block in re.split(r"(\n\s*\n)", text):
        yield line, block
        line += block.count("\n")


def faults(path: Path) -> list[str]:
    """All faults of a file, as `path:line: fault`."""
    text = path.read_text(encoding="utf-8")
    found = faults_of_python(text) if path.suffix == ".py" else list(phrases(paragraphs(text)))
    return [f"{path.relative_to(ROOT)}:{line}: {fault}" for line, fault in found]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_written_in_plain_english(room):
    assert (ROOT / room).exists()
    found = [fault for path in files_of(room) for fault in faults(path)]
    assert not found, "\n".join(found)


def test_every_file_belongs_to_one_room():
    wanted = [p for top in ("bench", "gold", "reports", "suites") for p in (ROOT / top).rglob("*.py")]
    for path in wanted:
        rooms = [room for room in ROOMS if path.is_relative_to(ROOT / room)]
        assert rooms, path


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("told = 1\n", "retired name 'told'"),
        ("def asked(): ...\n", "retired name 'asked'"),
        ("class Config:\n    looks: int = 3\n", "retired name 'looks'"),
        ("f(lambda given: given.seed)\n", "retired name 'given'"),
        ("x = config.static\n", "retired name 'static'"),
        ('"""What a loss owes."""\n', "opens with 'What'"),
        ("N = 1\n'''Of the rubric.'''\n", "opens with 'Of'"),
        ("x = 1  # whoever reads this\n", "whoever"),
        ('raise ValueError(f"{x!r} is no loss")\n', "is no loss"),
        ('raise ValueError(f"unknown {x!r}; legal: {y}")\n', "legal:"),
        ('"""The suite that\n    was asked for."""\n', "was asked"),
    ],
)
def test_a_planted_fault_is_seen(source, fault):
    assert [text for _, text in faults_of_python(source) if fault in text]


def test_a_planted_phrase_on_a_page_is_seen_with_its_line():
    assert [line for line, _ in phrases(paragraphs("# Title\n\nGold is\ntaught.\n"))] == [3]


def test_plain_source_has_no_fault():
    source = (
        '"""Losses by name."""\n\n\ndef loss(name: str) -> str:\n    """Return the loss `name`."""\n    return name\n'
    )
    assert faults_of_python(source) == []

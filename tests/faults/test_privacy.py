"""Nothing is unpickled, no code comes with data, nobody is called up, no secret is written down."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from toy_run import start

ROOT = Path(__file__).parents[2]
SOURCES = [path for package in ("bench", "gold", "reports") for path in (ROOT / package).rglob("*.py")]
FORBIDDEN_IMPORTS = {"pickle", "dill", "joblib", "shelve", "marshal", "urllib", "requests", "http", "socket"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_ENDS = ("torch.load", "torch.save", "read_pickle", "to_pickle", "yaml.load", "unsafe_load", "os.system")


def dangers(source: str) -> list[str]:
    """What in a module's source could run what a file or a server says."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            names = [module] if module else [alias.name for alias in node.names]
            found += [name for name in names if name.partition(".")[0] in FORBIDDEN_IMPORTS]
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            found += [name] if name in FORBIDDEN_CALLS or name.endswith(FORBIDDEN_ENDS) else []
            for keyword in node.keywords:
                risky = keyword.arg in ("trust_remote_code", "allow_pickle", "shell")
                found += [str(keyword.arg)] if risky and ast.unparse(keyword.value) != "False" else []
            local = any(keyword.arg == "local_files_only" for keyword in node.keywords)
            found += [name] if name.endswith("from_pretrained") and not local else []
    return found


# The user's own file of losses, named on the command line and nowhere else, its bytes checked against a hash.
ASKED_FOR = {"bench/losses/plugins.py": ["exec", "compile"]}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_source_runs_what_a_file_or_a_server_says(path):
    assert dangers(path.read_text()) == ASKED_FOR.get(path.relative_to(ROOT).as_posix(), [])


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from urllib.request import urlopen",
        "torch.load(f)",
        "np.load(f, allow_pickle=True)",
        "eval(x)",
        "AutoModel.from_pretrained(x)",
        "M.from_pretrained(x, local_files_only=True, trust_remote_code=True)",
    ],
)
def test_a_danger_is_seen(source):
    assert dangers(source)


GUARD = """
import os, sys

def _hook(event, args):
    if event == "socket.getaddrinfo" or (event == "socket.connect" and isinstance(args[1], tuple)):
        with open(os.environ["GOLDBENCH_CALLS"], "a") as file:
            file.write(f"{event} {args}\\n")
        raise OSError("no network here")

sys.addaudithook(_hook)
"""


@pytest.fixture
def guarded(tmp_path):
    """An environment in which every Python process, workers too, refuses and notes each call to a network."""
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard" / "sitecustomize.py").write_text(GUARD)
    return {"PYTHONPATH_FIRST": str(tmp_path / "guard"), "GOLDBENCH_CALLS": str(tmp_path / "calls")}


def test_a_run_calls_nobody_and_keeps_no_secret(tmp_path, guarded):
    secrets = {name: f"secret-of-{name}" for name in ("WANDB_API_KEY", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY")}
    run = start(tmp_path, 3, 0.0, environment={**guarded, **secrets})
    code, out, error = run.end()
    assert (code, error) == (0, "")
    assert not (tmp_path / "calls").exists()
    written = [out.encode()] + [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not [text for text in written if b"secret-of" in text]
    kinds = {path.suffix for path in (tmp_path / "store").rglob("*") if path.is_file() and path.name[0] != "."}
    assert kinds <= {".json", ".jsonl", ".parquet", ".safetensors", ""}


def test_the_guard_sees_a_call(guarded):
    code = "import socket\ntry: socket.create_connection(('192.0.2.1', 9), 1)\nexcept OSError as error: print(error)"
    environment = {"PYTHONPATH": guarded["PYTHONPATH_FIRST"], "GOLDBENCH_CALLS": guarded["GOLDBENCH_CALLS"]}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "no network here"
    assert "192.0.2.1" in Path(guarded["GOLDBENCH_CALLS"]).read_text()

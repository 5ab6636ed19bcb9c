import importlib
import subprocess
import sys

import pytest

from bench.engine import provenance


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package `sample`: `stage` imports `used` lazily and `helper` from a subpackage; `report` imports `stage`."""
    files = {
        "__init__": '"""Top."""\n',
        "stage": "from sample.sub import helper\n\ndef run(c):\n    import sample.used\n    return {}\n",
        "used": "X = 1\n",
        "report": "import sample.stage\n",
        "sub/__init__": "",
        "sub/helper": "Y = 1\n",
    }
    root = tmp_path / "sample"
    (root / "sub").mkdir(parents=True)
    for name, text in files.items():
        (root / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)

    def rehash(**edits):
        for name, text in edits.items():
            (root / f"{name.replace('__slash__', '/')}.py").write_text(text)
        importlib.invalidate_caches()
        for cached in (provenance.code_hash, provenance.closure, provenance._source, provenance._read):
            cached.cache_clear()
        return provenance.code_hash("sample.stage")

    yield rehash
    sys.modules.pop("sample", None)
    rehash()


@pytest.mark.parametrize(
    "edit",
    [
        {"used": "X = 2\n"},
        {"sub__slash__helper": "Y = 2\n"},
        {"sub__slash____init__": "Z = 0\n"},
        {"__init__": "Z = 0\n"},
        {"stage": "def run(c):\n    return {}\n"},
    ],
)
def test_an_edit_inside_the_closure_changes_the_hash(package, edit):
    assert package() != package(**edit)


@pytest.mark.parametrize(
    "edit",
    [
        {"report": "X = 2\n"},
        {"used": '"""Words."""\n# more words\nX  =  1\n'},
        {
            "stage": "from typing import TYPE_CHECKING\nfrom sample.sub import helper\nif TYPE_CHECKING:\n"
            "    import sample.report\n\ndef run(c):\n    import sample.used\n    return {}\n",
            "report": "X = 3\n",
        },
    ],
)
def test_comments_docstrings_and_files_outside_the_closure_do_not(package, edit):
    before = package()
    if "stage" in edit:
        before = package(stage=edit["stage"])
    assert package(**edit) == before


def test_an_unknown_module_is_an_error():
    with pytest.raises(ModuleNotFoundError, match=r"bench\.no_such"):
        provenance.code_hash("bench.no_such")


def test_keys_need_no_torch():
    code = (
        "import sys, bench.engine.provenance as p; p.library_versions(); p.code_hash('bench.core.types');"
        "print('torch' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"


def test_the_machine_is_described():
    facts = provenance.environment()
    assert set(facts["versions"]) == {"torch", "transformers", "trl"}
    assert facts["cpus"] >= 1

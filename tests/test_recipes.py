"""CONTRIBUTING's recipes, followed to the letter: its code blocks become a package that a tiny smoke uses."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bench.config.compose import compose
from bench.pipeline.plan import build_plan

ROOT = Path(__file__).parents[1]
TOYS = ROOT / "tests" / "toys"
PACKAGE = "my_package"


def blocks(language):
    """The code blocks of CONTRIBUTING in a language, without their indentation."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for indent, code in re.findall(rf"^( *)```{language}\n(.*?)^ *```", text, flags=re.M | re.S):
        yield "\n".join(line.removeprefix(indent) for line in code.splitlines()) + "\n"


def install(site):
    """What `pip install` leaves: the package's modules, and metadata with its entry points."""
    (site / PACKAGE).mkdir()
    (site / PACKAGE / "__init__.py").touch()
    for code in blocks("python"):
        if place := re.match(rf"# ({PACKAGE}/\w+\.py)", code):
            (site / place[1]).write_text(code)
    (project,) = (tomllib.loads(code) for code in blocks("toml") if PACKAGE in code)
    lines = []
    for group, entries in project["project"]["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {target}" for name, target in entries.items())]
    metadata = site / "my_package-0.1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 0.1\n")
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n")
    (metadata / "RECORD").touch()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = tmp_path_factory.mktemp("site")
    install(site)
    return site


def run(site, *words):
    path = os.pathsep.join([str(site), str(TOYS), str(ROOT), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, *words],
        env={**os.environ, "PYTHONPATH": path, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def made(site, tmp_path_factory):
    root = tmp_path_factory.mktemp("recipes")
    first, again = json.loads(run(site, str(TOYS / "toy_recipes.py"), str(root)).splitlines()[-1])
    return root, first, again


def test_a_package_brings_a_method_a_loss_a_world_a_reward_and_a_section(made):
    root, first, _ = made
    assert (first["state"], first["failures"]) == ("done", {})
    assert first["methods"] == ["bon", "dpo", "offset", "ppo", "softer"]
    assert "words-r0" in first["proxies"]
    assert {"offset", "softer"} <= set(first["losses"])
    page = (root / "run0" / "report.html").read_text()
    assert "How long are the responses?" in page
    assert (root / "run0" / "figures" / "response_length.csv").is_file()
    assert json.loads((root / "run0" / "config.json").read_text())["world"]["type"] == "copying"


def test_more_report_prompts_measure_anew_and_train_nothing(made):
    _, first, again = made
    kinds = {name.split("/")[0] for name in again["needed"]}
    assert "measure" in kinds
    assert kinds <= {"measure", "reference", "bon"}
    assert again["failures"] == {}
    assert (first["prompts"], again["prompts"]) == (8, 16)
    assert again["trained"] == first["trained"]  # every file's hash


def test_an_installed_package_changes_no_key_of_what_does_not_use_it(site):
    code = "from bench.config.compose import compose; from bench.pipeline.plan import build_plan; import json; "
    code += "print(json.dumps({n: s.key for n, s in build_plan(compose(['overopt'])[0], 1).stages.items()}))"
    with_package = json.loads(run(site, "-c", code))
    assert with_package == {name: stage.key for name, stage in build_plan(compose(["overopt"])[0], 1).stages.items()}


def test_the_checks_of_the_recipes_pass(site):
    code = next(code for code in blocks("python") if code.startswith("# tests/test_offset.py"))
    run(site, "-c", f"{code}\ntest_offset()")


def test_the_suite_of_the_recipe_plans_at_both_scales(tmp_path):
    code = next(code for code in blocks("yaml") if code.startswith("# mine.yaml"))
    (tmp_path / "mine.yaml").write_text(code)
    for scale, cells in (("small", 8), ("full", 32)):  # two methods, two betas; three replicates where a claim rests
        suite, _ = compose([f"suite={tmp_path / 'mine.yaml'}", f"scale={scale}"])
        assert len(build_plan(suite, 1).cells) == cells if scale == "full" else len(build_plan(suite, 1).cells) >= 4

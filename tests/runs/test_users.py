"""Which stages `bench gc` keeps: run folders behind links, elsewhere, and in doubt all of them."""

import shutil

import pytest

from bench.cli import main
from bench.commands.gc import GcOptions, collect
from bench.engine.files import read_json, write_json
from bench.errors import ConfigError
from bench.runs.users import register, users


def stages(run):
    return {path.parent.name for path in run.store.glob("*/[!.]*/manifest.json")}


def files(run):
    return {path for path in run.store.rglob("*") if not path.name.startswith(".lock-")}


@pytest.fixture
def run(toy_finished, tmp_path):
    return toy_finished.copy(tmp_path / "runs")


def gc(run, **options):
    return collect(GcOptions(store=run.store, runs=run.root, delete=True, **options))


def test_a_run_behind_a_link_is_a_user(run, tmp_path):
    """It was moved to a larger disk, and a link left in its place, as `bench ls runs` lists it."""
    before, other = stages(run), tmp_path / "big"
    other.mkdir()
    shutil.move(run.out, other / "x")
    run.out.symlink_to(other / "x")
    (run.root / "loop").symlink_to(run.root)
    assert gc(run) == 0
    assert stages(run) == before


def test_a_run_elsewhere_is_a_user_where_the_store_knows_it(run, tmp_path):
    before, other = stages(run), tmp_path / "elsewhere"
    other.mkdir()
    shutil.move(run.out, other / "x")
    with pytest.raises(ConfigError, match="no run folder under"):
        gc(run)
    register(run.store, other / "x")
    assert gc(run) == 0
    assert stages(run) == before
    shutil.rmtree(other / "x")  # a run that was removed uses nothing
    assert users(run.store, run.root).folders == set()


def test_every_run_registers_with_its_store(toy_finished):
    (entry,) = (toy_finished.store / ".runs").glob("*.json")
    assert read_json(entry) == {"run": str(toy_finished.out.resolve())}


def test_another_programs_folder_is_passed_over(run):
    (run.root / "other").mkdir()
    write_json(run.root / "other" / "run.json", {"run_id": 3})
    before = stages(run)
    assert gc(run) == 0
    assert stages(run) == before


def test_in_doubt_everything_is_kept_and_the_reason_printed(run, capsys):
    before = files(run)

    def kept(reason):
        assert main(["gc", f"store={run.store}", f"runs={run.root}"]) == 0
        assert reason in capsys.readouterr().out
        assert main(["gc", "delete=true", f"store={run.store}", f"runs={run.root}"]) == 2
        error = capsys.readouterr().err
        assert reason in error
        assert error.count("\n") == 1
        assert files(run) == before

    for name, text in (("run.json", '{"run_id": 3}'), ("run.json", '{"command": "be'), ("stages.json", '{"a": 3}')):
        path = run.out / name
        whole = path.read_text()
        path.write_text(text)
        kept(f"{path} ")
        path.write_text(whole)
    (run.root / "gone").symlink_to("/no/such/disk/run")
    kept(f"{run.root / 'gone'} links to what is not there")

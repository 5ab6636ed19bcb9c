import importlib.util
import shutil
from functools import partial
from pathlib import Path

import pytest

import reports


def _beside(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


synthetic, overopt, preferences = _beside("synthetic"), _beside("overopt"), _beside("preferences")


def _once(make, root):
    """`make(folder, **options)` that makes a run of these options once, under `root`, and copies it to each folder."""

    def copy(folder, **options):
        kept = root / str(len(made))
        if (key := repr(sorted(options.items()))) not in made:
            made[key] = make(kept, **options)
        return Path(shutil.copytree(made[key], folder))

    made: dict[str, Path] = {}
    return copy


@pytest.fixture(scope="session")
def make_run(tmp_path_factory):
    """Writes a synthetic run; options are those of `synthetic.make_run`."""
    return _once(synthetic.make_run, tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="session")
def make_failed_run():
    return synthetic.make_failed_run


@pytest.fixture(scope="session")
def built(make_run, tmp_path_factory):
    """A finished synthetic run with its report."""
    folder = make_run(tmp_path_factory.mktemp("runs") / "toy", samples=2)
    reports.build(folder)
    return folder


@pytest.fixture(scope="session")
def compared(make_run, tmp_path_factory):
    """The page of two synthetic runs, one of them named to hurt."""
    folder = tmp_path_factory.mktemp("compared")
    one = make_run(folder / "one", samples=1)
    other = make_run(folder / 'it\'s "<b>other</b>" & more'.replace("/", "-"), samples=1, seed=1)
    return reports.compare([one, other], folder / "both")


@pytest.fixture(scope="session")
def make_overopt(tmp_path_factory):
    """Writes a synthetic run of the suite overopt, with the claims that are given."""
    return _once(partial(overopt.make_overopt, synthetic), tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="session", name="preferences")
def the_module_of_preferences():
    return preferences


@pytest.fixture(scope="session")
def make_preferences():
    """Writes a synthetic run of preference methods: six offline losses, and fresh pairs and replays of one."""
    return lambda folder, **options: preferences.make_preferences(synthetic, folder, **options)


@pytest.fixture(scope="session")
def preference_run(make_preferences, tmp_path_factory):
    """The folder of one such run, with enough prompts for its truths to show; not to be written to."""
    folder = tmp_path_factory.mktemp("runs") / "preferences"
    return make_preferences(folder, prompts={"report": 120, "select": 60})

import importlib.util
from pathlib import Path

import pytest

import reports


def _beside(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


synthetic, overopt = _beside("synthetic"), _beside("overopt")


@pytest.fixture(scope="session")
def make_run():
    return synthetic.make_run


@pytest.fixture(scope="session")
def make_failed_run():
    return synthetic.make_failed_run


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """A finished synthetic run with its report."""
    folder = synthetic.make_run(tmp_path_factory.mktemp("runs") / "toy", samples=2)
    reports.build(folder)
    return folder


@pytest.fixture(scope="session")
def make_overopt():
    """Writes a synthetic run of the suite overopt, with the claims that are given."""
    return lambda folder, **options: overopt.make_overopt(synthetic, folder, **options)

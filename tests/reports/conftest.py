import importlib.util
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location("synthetic", Path(__file__).with_name("synthetic.py"))
synthetic = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(synthetic)


@pytest.fixture(scope="session")
def make_run():
    return synthetic.make_run


@pytest.fixture(scope="session")
def make_failed_run():
    return synthetic.make_failed_run


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """A finished synthetic run with its report."""
    import reports

    folder = synthetic.make_run(tmp_path_factory.mktemp("runs") / "toy", samples=2)
    reports.build(folder)
    return folder

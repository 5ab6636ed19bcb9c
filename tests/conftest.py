"""Runtime checks of every annotated shape and type of the project, while its tests run."""

import os
import signal

import pytest
from jaxtyping import install_import_hook

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background, and under nohup, a shell has these
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # ignored, and the commands that tests start would inherit it
install_import_hook(["bench", "gold"], "typecheck.check")


@pytest.fixture(scope="session")
def toy_finished(tmp_path_factory):
    """A finished toy run, to be read or copied, never changed."""
    import toy_finished

    return toy_finished.build(tmp_path_factory.mktemp("toy_finished"))

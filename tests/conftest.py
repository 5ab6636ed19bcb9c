"""Runtime checks of every annotated shape and type of the project, while its tests run."""

import os

from jaxtyping import install_import_hook

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
install_import_hook(["bench", "gold"], "typecheck.check")

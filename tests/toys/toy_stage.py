"""Toy stages: what a stage does is said by its config. Importable in spawned workers."""

import os
import signal
import time

from bench.engine.stage import Context
from bench.errors import DivergedError


def run(context: Context) -> dict[str, float]:
    """Add one to the sum of the inputs, after doing what `config["act"]` says."""
    act = context.config.get("act")
    (context.folder / "pid").write_text(str(os.getpid()))
    context.report({"step": 1, "steps": 2, "kl": 0.5})
    print("a line that belongs in no display")
    if act == "raise":
        raise RuntimeError("the toy broke\non two lines")
    if act == "diverge":
        raise DivergedError("KL 1e9")
    if act == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if act == "resume" and not (context.folder / "half").exists():
        (context.folder / "half").write_text("done before the kill")
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(context.config.get("sleep_s", 0.0))
    total = 1 + sum(int((folder / "value").read_text()) for folder in context.inputs.values())
    (context.folder / "value").write_text(str(total))
    return {"value": total}

"""A toy training that saves a policy and then ends as `config["act"]` says; it counts its attempts."""

from typing import Any

from bench.engine.files import read_json, write_json
from bench.engine.stage import Context


def run(context: Context) -> dict[str, Any]:
    track = context.folder / "track.json"
    attempts = read_json(track)["attempts"] + 1 if track.exists() else 1
    (context.folder / "policies" / "5").mkdir(parents=True, exist_ok=True)
    (context.folder / "policies" / "5" / "weights").write_text("w")
    write_json(track, {"attempts": attempts})
    if context.config["act"] == "crash" and attempts == 1:
        raise RuntimeError("the toy training crashed")
    return {"attempts": attempts}

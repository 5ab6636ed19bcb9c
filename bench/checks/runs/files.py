"""Bytes: every file of every stage against its manifest, and the run folder's cells against their stages."""

from collections.abc import Iterator
from pathlib import Path

from bench.checks.runs.checked_run import CheckedRun, Manifest
from bench.checks.runs.finding import Check, Track
from bench.engine.files import read_json, sha256
from bench.engine.store import MANIFEST

_COMPARED = ("schema", "kind", "key", "config", "inputs", "input_contents", "files", "content", "metrics")
"""Fields of a manifest that the run's copy must share: not the clock, the device or the machine."""
_LINKED = ("log.jsonl", "policies/")


def check_stages(checked_run: CheckedRun, track: Track) -> Check:
    """Every stage that the run used: there, unchanged, with the inputs that it names. Notes what is damaged."""
    check, files, size = Check("stored stages"), 0, 0
    for name, manifest in track(list(checked_run.run.stages.items())):
        where, folder = f"{name} ({manifest['key'][:8]})", checked_run.folder(manifest)
        for file, what in _damage(folder, manifest):
            check.find(f"{where} {file}".strip(), what)
            checked_run.damaged.add(manifest["key"])
        for role, key in manifest["inputs"].items():
            if key not in checked_run.by_key:
                check.find(where, f"its input {role!r} ({key[:8]}) is not in stages.json")
            elif _made_anew(checked_run.by_key[key], manifest.get("input_contents", {}).get(role)):
                check.find(where, f"its input {role!r} ({key[:8]}) was made anew since, with other bytes under its key")
        files += len(manifest["files"])
        size += sum(entry["bytes"] for entry in manifest["files"].values())
    check.checked = f"{files} files of {len(checked_run.run.stages)} stages, {size / 2**20:.0f} MiB"
    return check


def _made_anew(needed: Manifest, content: str | None) -> bool:
    """True if an input's files are not those of the content that was read, where both are recorded."""
    return None not in (content, needed.get("content")) and content != needed["content"]


def _damage(folder: Path, manifest: Manifest) -> Iterator[tuple[str, str]]:
    """File by file, what is not as recorded in the run's stages.json."""
    if not (folder / MANIFEST).is_file():
        yield "", f"is not in the store: {folder}"
        return
    try:
        stored = read_json(folder / MANIFEST)
    except ValueError:
        yield MANIFEST, "cannot be read as JSON"
        return
    for field in _COMPARED:
        if stored.get(field) != manifest.get(field):
            yield MANIFEST, f"{field!r} is not what the run's stages.json says"
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {MANIFEST}
    for file in sorted(present - set(manifest["files"])):
        yield file, "was added after the stage was stored"
    for file, recorded in manifest["files"].items():
        if file not in present:
            yield file, "is missing"
        elif (found := sha256(folder / file)) != recorded["sha256"]:
            yield file, f"has changed: sha256 {found[:12]}, recorded {recorded['sha256'][:12]}"


def check_cells(checked_run: CheckedRun, track: Track) -> Check:
    """Every cell of the plan is there, with the log and the policies that its stage holds."""
    check, files = Check("cells of the run"), 0
    failed = {name.partition("/")[2] for name in checked_run.run.run["failures"]}
    if checked_run.run.run["state"] == "running":
        check.note = "the run is not over; cells that have not ended are not missed"
    for cell in track(list(checked_run.plan.cells)):
        manifest = checked_run.cells.get(cell)
        if manifest is None:
            if cell not in failed and checked_run.run.run["state"] != "running":
                check.find(f"cell {cell}", "is missing: the config asks for it, stages.json has no such stage")
            continue
        holder = checked_run.holders[cell]
        for file, recorded in holder["files"].items():
            if file.startswith(_LINKED):
                files += 1
                copy, stored = checked_run.run.path / "cells" / cell / file, checked_run.folder(holder) / file
                if not copy.is_file():
                    check.find(f"cells/{cell}/{file}", "is missing from the run folder")
                elif not (stored.is_file() and copy.samefile(stored)) and sha256(copy) != recorded["sha256"]:
                    check.find(f"cells/{cell}/{file}", "is not the stage's file")
    check.checked = f"{len(checked_run.cells)} of {len(checked_run.plan.cells)} cells, {files} files"
    return check

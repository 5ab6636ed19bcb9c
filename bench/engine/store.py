"""The store: one folder a stage, named by its key, published whole or not at all.

    <root>/<kind>/<key>/              a finished stage with its manifest.json
    <root>/<kind>/.work-<key>/        an unfinished one; it outlives a kill, so a resumable stage continues
    <root>/<kind>/.progress-<key>     JSON lines for the live display, until it is done
    <root>/<kind>/.output-<key>       what the attempt printed, its traceback included, until it is done
    <root>/<kind>/.lock-<key>         held while somebody works; the system frees it when its holder dies

`worker` writes, everybody reads. A reader only ever sees finished folders: one whose manifest or whose files'
sizes are not as they were stored counts as never made, and is made again. Removing old stages is not done here.
"""

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from bench.engine.files import read_json, sha256, sync, sync_tree, write_json
from bench.engine.rebuild import contents_of
from bench.engine.stage import Stage
from bench.errors import ConfigError, StoreError

MANIFEST = "manifest.json"
MANIFEST_SCHEMA = 1
RESULTS = "track.json"  # written as a resumable stage goes along: what others can read of an unfinished one


@dataclass(frozen=True)
class Store:
    """Folders of stages under `root`."""

    root: Path

    def open(self) -> None:
        """Make the root, unless it is there. Raises ConfigError when it cannot be written to."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=self.root).close()
        except OSError as error:
            raise ConfigError(
                f"store={self.root} cannot be written to ({error.strerror or error}); free it, or give another folder"
            ) from None

    def path(self, stage: Stage) -> Path:
        """The finished folder; it exists only once the stage is done."""
        return self.root / stage.kind / stage.key

    def work(self, stage: Stage) -> Path:
        """The folder of an unfinished attempt."""
        return self.root / stage.kind / f".work-{stage.key}"

    def progress(self, stage: Stage) -> Path:
        return self.root / stage.kind / f".progress-{stage.key}"

    def output(self, stage: Stage) -> Path:
        return self.root / stage.kind / f".output-{stage.key}"

    def lock(self, stage: Stage) -> FileLock:
        """The lock under which a stage is made."""
        folder = self.root / stage.kind
        try:
            folder.mkdir(exist_ok=True)
        except FileNotFoundError:
            raise StoreError(f"the store {self.root} is gone; give the same command again to make it anew") from None
        return FileLock(folder / f".lock-{stage.key}")

    def is_present(self, stage: Stage) -> bool:
        """True if the folder is there and each of its files has its stored size."""
        return self._has(stage)

    def is_done(self, stage: Stage) -> bool:
        """True if the stage is present and ran to its end."""
        return self._has(stage, without=("partial",))

    def is_whole(self, stage: Stage) -> bool:
        """True if the stage is done and none of its files was dropped since."""
        return self._has(stage, without=("partial", "dropped"))

    def _has(self, stage: Stage, without: tuple[str, ...] = ()) -> bool:
        manifest = _read_manifest(self.path(stage))
        return (
            manifest is not None
            and not any(name in manifest for name in without)
            and all(_has_size(self.path(stage) / name, stored["bytes"]) for name, stored in manifest["files"].items())
        )

    def manifest(self, stage: Stage) -> dict[str, Any]:
        """Raises StoreError when the stage is not done."""
        manifest = _read_manifest(self.path(stage))
        if manifest is None:
            raise StoreError(f"stage {stage.name!r} ({stage.key}) is not in {self.root}; run its suite first")
        return manifest

    def manifests(self, kind: str) -> Iterator[dict[str, Any]]:
        """Manifests of every finished stage of a kind, whatever its key."""
        for path in sorted((self.root / kind).glob(f"[!.]*/{MANIFEST}")):
            if manifest := _read_manifest(path.parent):
                yield manifest

    def check(self, stage: Stage) -> None:
        """Read a finished stage through. Raises StoreError when a file holds other bytes than were stored."""
        folder = self.path(stage)
        for name, stored in self.manifest(stage)["files"].items():
            if _fingerprint(folder / name) != stored:
                raise StoreError(
                    f"{folder / name} is not as it was stored: somebody changed it; remove {folder} and give the "
                    "command again"
                )

    def publish_partial(self, stage: Stage, reason: str) -> bool:
        """Make what a failed attempt left readable, where it left a `track.json`; returns whether it did.

        The next attempt at the stage continues from it.
        """
        if not (self.work(stage) / RESULTS).is_file():
            return False
        with self.lock(stage):
            self.publish(stage, {"status": "failed", "reason": reason}, 0.0, "", partial=reason)
        return True

    def reopen(self, stage: Stage) -> None:
        """Turn a partial stage back into a work folder. The caller holds the stage's lock."""
        if self.is_present(stage) and not self.is_done(stage):
            shutil.rmtree(self.work(stage), ignore_errors=True)
            self.path(stage).rename(self.work(stage))

    def drop(self, stage: Stage, names: Iterable[str]) -> None:
        """Remove some files of a finished stage. It stays done; making another stage from it needs it whole."""
        gone = set(names)
        with self.lock(stage):
            manifest = self.manifest(stage)
            manifest["files"] = {name: entry for name, entry in manifest["files"].items() if name not in gone}
            manifest["dropped"] = sorted({*manifest.get("dropped", []), *gone})
            write_json(self.path(stage) / MANIFEST, manifest)
            for name in gone:
                (self.path(stage) / name).unlink(missing_ok=True)
            for folder in sorted(self.path(stage).rglob("*"), reverse=True):
                if folder.is_dir() and not any(folder.iterdir()):
                    folder.rmdir()

    def publish(
        self,
        stage: Stage,
        metrics: Mapping[str, Any],
        wall_s: float,
        device: str,
        partial: str | None = None,
        machine: Mapping[str, Any] | None = None,
    ) -> None:
        """Turn the work folder into the finished one. The caller holds the stage's lock.

        `partial` is the reason where the stage did not run to its end, `machine` the maker's `machine_facts`.
        """
        work, final = self.work(stage), self.path(stage)
        (work / MANIFEST).unlink(missing_ok=True)
        manifest = {
            "schema": MANIFEST_SCHEMA,
            "kind": stage.kind,
            "name": stage.name,
            "key": stage.key,
            "config": stage.config,
            "inputs": {name: needed.key for name, needed in stage.inputs.items()},
            "input_contents": {name: self._content(needed) for name, needed in stage.inputs.items()},
            "files": {path.relative_to(work).as_posix(): _fingerprint(path) for path in _files(work)},
            "metrics": _plain(metrics),
            "wall_s": round(wall_s, 3),
            "expected_s": stage.expected_s,
            "device": device,
            "machine": machine,
        }
        if partial is not None:
            manifest["partial"] = partial
        manifest["content"] = contents_of(manifest)  # dropping a file changes `files`, never this
        write_json(work / MANIFEST, manifest)
        sync_tree(work)
        if final.exists():  # changed by hand, or files of it were dropped
            shutil.rmtree(final)
        work.rename(final)
        for folder in (final.parent, self.root):  # the kind's folder may be new, too
            sync(folder)
        for leftover in (self.progress(stage), self.output(stage)):
            leftover.unlink(missing_ok=True)

    def _content(self, stage: Stage) -> str | None:
        """The hash of a finished stage's files; None where the store has not the stage, or its manifest has none."""
        manifest = _read_manifest(self.path(stage))
        return None if manifest is None else manifest.get("content")


def _plain(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Metrics as strict JSON: numbers of any library become Python's; NaN and infinity become null."""
    return json.loads(json.dumps(dict(metrics), default=lambda number: number.item()), parse_constant=lambda _: None)


def _read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a finished stage; None where there is none of this version."""
    try:
        manifest = read_json(folder / MANIFEST)
    except (OSError, ValueError):  # absent; torn, or not UTF-8
        return None
    is_ours = isinstance(manifest, dict) and manifest.get("schema") == MANIFEST_SCHEMA
    return manifest if is_ours and manifest.get("key") == folder.name else None


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _fingerprint(path: Path) -> dict[str, Any]:
    return {"sha256": sha256(path), "bytes": path.stat().st_size}
